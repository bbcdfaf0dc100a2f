/** What the forms of a dynamic plan share: each activation is quantized once, each matrix turned once. */
import type { Value } from '../../onnx/ir.ts';
import { transposeBytes } from '../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../tensor/data.ts';
import type { QParams } from '../../tensor/qparams.ts';
import { type ConstantPlan, isConstantPlan, type NodePlan, type TensorPlan } from '../plan.ts';
import { PlanValues } from './plan-values.ts';
import type { WriteRequest, Written } from './writer.ts';
import { typeLike, Writing } from './writing.ts';

/** An activation as codes, with the parameters of this run. */
export interface Quantized {
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

/** Writes a node of the plan and takes the float one out. */
export type DynamicForm = (dynamic: DynamicWriting, plan: NodePlan) => Written;

export class DynamicWriting {
  readonly writing: Writing;
  readonly values: PlanValues;
  readonly #activations = new Map<Value, Quantized>();
  readonly #turned = new Map<TensorPlan, Value>();

  constructor({ model, params }: Pick<WriteRequest, 'model' | 'params'>) {
    this.writing = new Writing(model);
    this.values = new PlanValues(this.writing, params as ReadonlyMap<TensorPlan, QParams>);
  }

  readonly quantized = (value: Value): Quantized => {
    const known = this.#activations.get(value) ?? addQuantize(this.writing, value);
    this.#activations.set(value, known);
    return known;
  };

  /** The codes of a matrix with rows and columns changed, as a tensor of its own: others may read it as it is. */
  turned(weight: ConstantPlan): Value {
    const known =
      this.#turned.get(weight) ??
      this.writing.constant(`${weight.value.name}_transposed`, turnedData(this.values.codeDataOf(weight)));
    this.#turned.set(weight, known);
    return known;
  }
}

/** The constants of a node, in the order of its inputs. */
export const constantsOf = ({ inputs }: NodePlan): readonly ConstantPlan[] =>
  inputs.filter((tensor): tensor is ConstantPlan => tensor !== null && isConstantPlan(tensor));

function addQuantize(writing: Writing, value: Value): Quantized {
  const [codes, scale, zeroPoint] = writing.addAll({
    op: 'DynamicQuantizeLinear',
    inputs: [value],
    name: `${value.name}_quantized`,
    more: [`${value.name}_scale`, `${value.name}_zero_point`],
    type: typeLike('uint8', value),
  }) as [Value, Value, Value];
  return { codes, scale, zeroPoint };
}

function turnedData(codes: TensorData): TensorData {
  const [rows, columns] = codes.shape as [number, number];
  return derivedData({ dtype: codes.dtype, shape: [columns, rows] }, [codes], (bytes) =>
    transposeBytes(bytes!, rows, columns),
  );
}
