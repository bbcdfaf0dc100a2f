/** Plans of tensors, each made once: who reads the same tensor reads the same codes. */
import { asFloat32, bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../tensor/data.ts';
import type { Node, Value } from '../../onnx/ir.ts';
import { constantOf, float } from '../../onnx/match.ts';
import { type CodeDtype, CODES, perAxis, PER_TENSOR } from '../../tensor/qparams.ts';
import { type PlanOf, rootOf, type TensorPlan } from '../plan.ts';
import type { Recipe } from '../recipe.ts';
import type { InputRole, OutputRole } from '../rules.ts';

interface PlannedInput {
  readonly node: Node;
  readonly value: Value;
  /** The plans of the inputs before it. */
  readonly before: readonly (TensorPlan | null)[];
}

interface PlannedWeight {
  readonly node: Node;
  readonly value: Value;
  readonly data: TensorData;
}

export class TensorPlans {
  readonly #recipe: Recipe;
  readonly #activations = new Map<Value, TensorPlan>();
  readonly #constants = new Map<string, TensorPlan>();

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
  }

  /** null: read as it is. */
  input(role: InputRole, { node, value, before }: PlannedInput): TensorPlan | null {
    if (role.kind === 'plain') return null;
    const data = role.kind === 'activation' ? null : constantOf(value);
    if (!data || role.kind === 'activation') return this.observed(value);
    if (role.kind === 'operand') {
      const spec = this.#recipe.activations;
      const plan: TensorPlan = { kind: 'constant', value, data, spec, dtype: spec.dtype, granularity: PER_TENSOR };
      return remember(this.#constants, `${value.name} constant`, plan);
    }
    if (role.kind !== 'bias') return this.weight(role, { node, value, data });
    const [activation, weight] = before;
    if (!activation || !weight) throw new Error(`${node.op} "${node.name}": a bias without what it is added to`);
    const columns = role.columns?.(node) ?? null;
    return biasPlan(value, columns === null ? data : spread(data, columns), {
      activation,
      weight,
      beta: float(node, 'beta') ?? 1,
    });
  }

  weight({ axis }: Extract<InputRole, { readonly axis: unknown }>, { node, value, data }: PlannedWeight): TensorPlan {
    const spec = this.#recipe.weights;
    const along = axis(node, data.shape);
    const plan: TensorPlan = { kind: 'weight', value, data, spec, dtype: spec.dtype, granularity: perAxis(along) };
    return remember(this.#constants, `${value.name} ${along}`, plan);
  }

  observed(value: Value): TensorPlan {
    const spec = this.#recipe.activations;
    const plan: TensorPlan = { kind: 'observed', value, spec, dtype: spec.dtype, granularity: PER_TENSOR };
    return remember(this.#activations, value, plan);
  }

  /** `source`: the plan of the node's first input. null: float. */
  output(role: OutputRole, value: Value, source: TensorPlan | null): TensorPlan | null {
    const plan = this.#outputPlan(role, value, source);
    if (plan) this.#activations.set(value, plan);
    return plan;
  }

  #outputPlan(role: OutputRole, value: Value, source: TensorPlan | null): TensorPlan | null {
    const spec = this.#recipe.activations;
    const { dtype } = spec;
    switch (role.kind) {
      case 'float':
        return null;
      case 'fixed':
        return { ...fixedAs(role, dtype), value, granularity: PER_TENSOR };
      case 'shared':
        return (
          source && { kind: 'shared', value, source: rootOf(source), dtype: source.dtype, granularity: PER_TENSOR }
        );
      case 'observed':
        return { kind: 'observed', value, spec, dtype, granularity: PER_TENSOR };
    }
  }
}

/** Codes and zero point are shifted together: the numbers stay the same. */
const fixedAs = (role: Extract<OutputRole, { kind: 'fixed' }>, dtype: CodeDtype): typeof role =>
  role.dtype === dtype
    ? role
    : { ...role, dtype, zeroPoint: role.zeroPoint - CODES[role.dtype].low + CODES[dtype].low };

/** One number for all columns as one for each. */
function spread(data: TensorData, columns: number): TensorData {
  if (data.byteLength !== FLOAT_BYTES || columns === 1) return data;
  return derivedData({ dtype: 'float32', shape: [columns] }, [data], (bytes) => {
    const values = new Float32Array(columns).fill(asFloat32(bytes)[0]!);
    return bytesOf(values);
  });
}

const FLOAT_BYTES = 4;

export const biasPlan = (
  value: Value,
  data: TensorData,
  { activation, weight, beta }: Pick<PlanOf<'bias'>, 'activation' | 'weight' | 'beta'>,
): PlanOf<'bias'> => ({
  kind: 'bias',
  value,
  data,
  activation,
  weight,
  beta,
  dtype: 'int32',
  granularity: perAxis(weight.granularity.kind === 'tensor' ? null : 0),
});

function remember<K>(known: Map<K, TensorPlan>, key: K, plan: TensorPlan): TensorPlan {
  const found = known.get(key) ?? plan;
  known.set(key, found);
  return found;
}
