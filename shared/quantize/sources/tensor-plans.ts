/** Plans of tensors, each made once: who reads the same tensor reads the same codes. */
import { asFloat32, bytesOf } from '../../tensor/arithmetic.ts';
import { derivedData, reshapedData, type TensorData } from '../../tensor/data.ts';
import type { Node, Value } from '../../onnx/ir.ts';
import { constantOf, float } from '../../onnx/match.ts';
import { type CodeDtype, CODES, perAxis, PER_TENSOR } from '../../tensor/qparams.ts';
import { type PlanOf, rootOf, type TensorPlan } from '../plan.ts';
import type { Recipe } from '../recipe.ts';
import type { InputRole, OutputRole } from '../operator-rule.ts';
import { type Codes, type Override, overrideOf, refuse, type TensorOverride } from '../tensor-overrides.ts';

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
      const { spec, given } = this.#codesOf(value, 'activation');
      const { dtype } = spec;
      const plan: TensorPlan = { kind: 'constant', value, data, spec, given, dtype, granularity: PER_TENSOR };
      return remember(this.#constants, `${value.name} constant`, plan);
    }
    if (role.kind !== 'bias') return this.weight(role, { node, value, data });
    if (this.#recipe.extra.QuantizeBias === false) return null;
    const [activation, weight] = before;
    if (!activation || !weight) throw new Error(`${node.op} "${node.name}": a bias without what it is added to`);
    if (this.#overridesOf(value)) refuse(value.name, 'a tensor other than a bias, whose scale is that of the sums');
    const columns = role.columns?.(node) ?? null;
    return biasPlan(value, columns === null ? data : spread(data, columns), {
      activation,
      weight,
      beta: float(node, 'beta') ?? 1,
    });
  }

  weight(role: WeightRole, { node, value, data: constant }: PlannedWeight): TensorPlan {
    const view = 'view' in role ? role.view?.(constant.shape) : undefined;
    const data = view ? reshapedData(constant, view) : constant;
    const { spec, given, axis } = this.#codesOf(value, 'weight');
    const own = role.axis(node, data.shape);
    // Rows of tables have their own scales always.
    const isPerChannel = this.#recipe.perChannel || role.kind === 'table';
    const asked = axis === undefined ? (isPerChannel ? own : null) : axis;
    const along = asked === null ? null : requireAxis(asked, own, { name: value.name, data });
    if (given.length > 1 && given.length !== data.shape[along!])
      refuse(value.name, `one override, or one for each of ${data.shape[along!]} along axis ${along}`);
    const plan: TensorPlan = {
      kind: 'weight',
      value,
      data,
      spec,
      given,
      dtype: spec.dtype,
      granularity: perAxis(along),
    };
    return remember(this.#constants, `${value.name} ${along}`, plan);
  }

  observed(value: Value): TensorPlan {
    const known = this.#activations.get(value) ?? this.#observedPlan(value);
    this.#activations.set(value, known);
    return known;
  }

  #observedPlan(value: Value): TensorPlan {
    const { spec, given, axis = null } = this.#codesOf(value, 'activation');
    if (axis !== null) refuse(value.name, 'a constant, where there is an axis');
    return { kind: 'observed', value, spec, given, dtype: spec.dtype, granularity: PER_TENSOR };
  }

  /** `source`: the plan of the node's first input. null: float. */
  output(role: OutputRole, value: Value, source: TensorPlan | null): TensorPlan | null {
    const plan = this.#outputPlan(role, value, source);
    if (plan) this.#activations.set(value, plan);
    return plan;
  }

  #outputPlan(role: OutputRole, value: Value, source: TensorPlan | null): TensorPlan | null {
    switch (role.kind) {
      case 'float':
      case 'index':
        return null;
      case 'fixed':
        if (this.#overridesOf(value)) return this.#observedPlan(value);
        return { ...fixedAs(role, this.#recipe.activations.dtype), value, granularity: PER_TENSOR };
      case 'shared':
        if (source && this.#overridesOf(value))
          refuse(value.name, `"${rootOf(source).value.name}", whose codes it has`);
        return (
          source && { kind: 'shared', value, source: rootOf(source), dtype: source.dtype, granularity: PER_TENSOR }
        );
      case 'observed':
        return this.observed(value);
    }
  }

  #overridesOf({ name }: Value): readonly TensorOverride[] | undefined {
    const overrides = this.#recipe.extra.TensorQuantOverrides ?? {};
    return Object.hasOwn(overrides, name) ? overrides[name] : undefined;
  }

  /** By the recipe, or by what overrides it; an axis that is left out is that of the operator. */
  #codesOf(value: Value, kind: Codes['kind']): Pick<Override, 'spec' | 'given'> & Partial<Pick<Override, 'axis'>> {
    const spec = kind === 'weight' ? this.#recipe.weights : this.#recipe.activations;
    const overrides = this.#overridesOf(value);
    return overrides ? overrideOf(value.name, overrides, { kind, spec }) : { spec, given: [] };
  }
}

type WeightRole = Extract<InputRole, { readonly axis: unknown }>;

/** Along the channels of the result: integer kernels know no other axis. */
function requireAxis(
  axis: number,
  own: number | null,
  { name, data }: { readonly name: string; readonly data: TensorData },
): number {
  const found = axis < 0 ? axis + data.shape.length : axis;
  return found === own
    ? found
    : refuse(name, own === null ? 'no axis' : `axis ${own}, along which the channels of the result lie`);
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
