/**
 * Embedding tables as int8 rows, each with its own scale: `Cast(Gather(codes)) * Gather(scales)`. Never dequantizes the
 * whole table.
 */
import { attribute, type Value } from '../onnx/ir.ts';
import { dataTypeNumber } from '../onnx/data-type.ts';
import { bytesOf } from '../tensor/arithmetic.ts';
import { memoryData } from '../tensor/data.ts';
import type { Grids } from './grids.ts';
import type { NodePlan, PlanOf, TensorPlan } from './plan.ts';
import { roleAt, ruleOf } from './rules.ts';
import type { Written } from './written.ts';

export const isLookup = ({ node }: NodePlan): boolean => roleAt(ruleOf(node)!, 0).kind === 'table';

/** Writes lookups one after the other; those of the same table share its scales. */
export function lookupWriter(grids: Grids): (plan: NodePlan) => Written {
  const columns = new Map<TensorPlan, Value>();
  return ({ node, inputs }) => {
    const table = inputs[0] as PlanOf<'weight'>;
    const indices = node.inputs[1]!;
    const [result] = node.outputs as [Value];
    const scales = columns.get(table) ?? columnOf(grids, table);
    columns.set(table, scales);
    const axis = [['axis', attribute.int(0)]] as const;
    const { origin } = node;
    const codes = grids.value(`${result.name}_codes`, 'int8', result);
    grids.add({ op: 'Gather', inputs: [grids.codesOf(table), indices], output: codes, attributes: axis, origin });
    const numbers = grids.value(`${result.name}_numbers`, 'float32', result);
    grids.add({
      op: 'Cast',
      inputs: [codes],
      output: numbers,
      attributes: [['to', attribute.int(dataTypeNumber('float32'))]],
      origin,
    });
    const rowScales = grids.typed(`${result.name}_row_scales`, 'float32', indices.type && [...indices.type.shape, 1]);
    grids.add({ op: 'Gather', inputs: [scales, indices], output: rowScales, attributes: axis, origin });
    const scaled = grids.value(`${result.name}_scaled`, 'float32', result);
    grids.supersede(result, scaled, 'float');
    grids.add({ op: 'Mul', inputs: [numbers, rowScales], output: scaled, origin });
    grids.graph.removeNode(node);
    return { node, tensor: scaled.name, value: scaled, grid: null };
  };
}

function columnOf(grids: Grids, table: PlanOf<'weight'>): Value {
  const { scale } = grids.paramsOf(table);
  return grids.constant(`${table.value.name}_scale`, memoryData('float32', [scale.length, 1], bytesOf(scale)));
}
