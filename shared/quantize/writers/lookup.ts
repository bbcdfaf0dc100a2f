/**
 * Embedding tables as rows of codes, each with its own scale: `(Cast(Gather(codes)) - Gather(zero points)) *
 * Gather(scales)`. Never dequantizes the whole table.
 */
import type { Value } from '../../onnx/ir.ts';
import { bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData, reshapedData, type TensorData } from '../../tensor/data.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import { type ConstantPlan, type NodePlan, type TensorPlan } from '../plan.ts';
import type { PlanValues } from './plan-values.ts';
import type { Written } from './writer.ts';
import { typeLike, type Writing } from './writing.ts';

interface Columns {
  readonly scale: Value;
  /** null: 0 in every row. */
  readonly zeroPoint: Value | null;
}

/** Writes lookups one after the other; those of the same table share its scales. */
export function lookupWriter(writing: Writing, values: PlanValues): (plan: NodePlan) => Written {
  const known = new Map<TensorPlan, Columns>();
  return ({ node, inputs }) => {
    const table = inputs[0] as ConstantPlan;
    const indices = node.inputs[1]!;
    const [result] = node.outputs as [Value];
    const columns = known.get(table) ?? columnsOf(writing, values, table);
    known.set(table, columns);
    const { origin } = node;
    const { name } = result;
    const readers = writing.readersOf(result);
    const gather = (from: Value, suffix: string): Value =>
      writing.add({
        op: 'Gather',
        inputs: [from, indices],
        attributes: { axis: 0 },
        name: `${name}_${suffix}`,
        type: from.type &&
          indices.type && { dtype: from.type.dtype, shape: [...indices.type.shape, ...from.type.shape.slice(1)] },
        origin,
      });
    const type = typeLike('float32', result);
    const cast = (codes: Value): Value =>
      writing.add({
        op: 'Cast',
        inputs: [codes],
        attributes: { to: 'float32' },
        name: `${name}_numbers`,
        type,
        origin,
      });
    const numbers = cast(gather(values.codesOf(table), 'codes'));
    const shifted = columns.zeroPoint
      ? writing.add({
          op: 'Sub',
          inputs: [numbers, gather(columns.zeroPoint, 'row_zero_points')],
          name: `${name}_shifted`,
          type,
          origin,
        })
      : numbers;
    const inputsOfScaling = [shifted, gather(columns.scale, 'row_scales')];
    const scaled = writing.add({
      op: 'Mul',
      inputs: inputsOfScaling,
      replaces: readers,
      suffix: 'float',
      type,
      origin,
    });
    writing.graph.removeNode(node);
    return { node, tensor: scaled.name, value: scaled, qparams: null };
  };
}

/** One number per row as a column; zero points, whole or not, as floats. */
function columnsOf(writing: Writing, values: PlanValues, table: ConstantPlan): Columns {
  const { scale, zeroPoint } = values.qparamsOf(table);
  const column = [scale.shape[0] ?? 1, 1];
  const isShifted = zeroPoint !== null && !zeroPoint.memory?.every((byte) => byte === 0);
  return {
    scale: writing.constant(`${table.value.name}_scale`, reshapedData(scale, column)),
    zeroPoint: isShifted
      ? writing.constant(`${table.value.name}_zero_point`, reshapedData(asFloats(zeroPoint), column))
      : null,
  };
}

const asFloats = (data: TensorData): TensorData =>
  derivedData({ dtype: 'float32', shape: data.shape }, [data], (bytes) =>
    bytesOf(Float32Array.from(decodeNumbers(data.dtype, bytes!))),
  );
