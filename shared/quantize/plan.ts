/** What will be quantized and how, decided before anything is computed or changed. */
import type { WeightOnly } from '../choices.ts';
import type { SkippedNode } from '../report/quantization.ts';
import type { TensorData } from '../tensor/data.ts';
import type { CodeDtype, Granularity, QParams } from '../tensor/qparams.ts';
import type { Node, Value } from '../onnx/ir.ts';
import type { CodeSpec } from './recipe.ts';
import type { Given } from './tensor-overrides.ts';

/** A tensor as codes: of which type, and which elements share a scale. */
interface Planned {
  readonly value: Value;
  readonly dtype: CodeDtype;
  readonly granularity: Granularity;
}

/** The kind says where scale and zero point come from, and the codes of a constant. */
export type TensorPlan = Planned &
  (
    | {
        /** The range that was observed. */
        readonly kind: 'observed';
        readonly spec: CodeSpec;
        /** At most one: for all of it. */
        readonly given: readonly Given[];
      }
    | { /** Known without looking. */ readonly kind: 'fixed'; readonly scale: number; readonly zeroPoint: number }
    | { /** Found anew in every run. */ readonly kind: 'dynamic' }
    | { /** The codes of another tensor, moved. */ readonly kind: 'shared'; readonly source: TensorPlan }
    | {
        /** The range of the numbers themselves: an operand or a weight. */
        readonly kind: 'constant' | 'weight';
        readonly data: TensorData;
        readonly spec: CodeSpec;
        /** None, one for all of it, or one for each scale. */
        readonly given: readonly Given[];
      }
    | {
        /** A matrix whose blocks have scales of their own: scales and codes are found together when it is written. */
        readonly kind: 'blocked';
        readonly data: TensorData;
        readonly spec: WeightOnly;
      }
    | {
        /** Added to sums of products: the scale of `activation` times that of `weight`. */
        readonly kind: 'bias';
        readonly data: TensorData;
        readonly activation: TensorPlan;
        readonly weight: TensorPlan;
        readonly beta: number;
      }
    | {
        /** Chosen by PyTorch: written, never computed. Codes of a constant in the shape of the value. */
        readonly kind: 'copied';
        readonly codes: TensorData | null;
        readonly qparams: QParams;
      }
  );

export type PlanOf<K extends TensorPlan['kind']> = TensorPlan & { readonly kind: K };

/** Whose codes stand in the file. */
export type ConstantPlan =
  PlanOf<'weight'> | PlanOf<'constant'> | PlanOf<'bias'> | (PlanOf<'copied'> & { readonly codes: TensorData });

export const isConstantPlan = (tensor: TensorPlan): tensor is ConstantPlan =>
  tensor.kind === 'copied' ? tensor.codes !== null : CONSTANT_KINDS[tensor.kind];

const CONSTANT_KINDS: Readonly<Record<Exclude<TensorPlan['kind'], 'copied'>, boolean>> = {
  observed: false,
  fixed: false,
  dynamic: false,
  shared: false,
  blocked: false,
  constant: true,
  weight: true,
  bias: true,
};

/** What PyTorch chose, as a plan. */
export const copiedPlan = (value: Value, qparams: QParams, codes: TensorData | null): PlanOf<'copied'> => ({
  kind: 'copied',
  value,
  dtype: qparams.dtype,
  granularity: qparams.granularity,
  codes,
  qparams,
});

export interface NodePlan {
  readonly node: Node;
  /** Parallel to the node's inputs; null: read as it is. */
  readonly inputs: readonly (TensorPlan | null)[];
  /** Of the first output; null: it stays float. */
  readonly output: TensorPlan | null;
  /** Of the outputs after the first. */
  readonly more: readonly TensorPlan[];
  /** The Add that follows a product with float output and adds its bias. */
  readonly addition: Addition | null;
}

export interface Addition {
  readonly node: Node;
  /** Which of its inputs the bias is. */
  readonly index: number;
  /** The bias as codes that are added to the sums; null: it stays float. */
  readonly bias: PlanOf<'bias'> | null;
  /** Shape of a float bias, so that onnxruntime does not make a float Gemm of the two. */
  readonly shape: readonly number[];
  /** Set when the sum is rounded to codes. */
  readonly output: TensorPlan | null;
}

export interface Plan {
  readonly nodes: ReadonlyMap<Node, NodePlan>;
  /** Relu and Clip that saturation replaces, to be taken out. */
  readonly folded: readonly Node[];
  readonly skipped: readonly SkippedNode[];
}

/** The tensor of the FP32 model that a node's plan leads to: where it is compared. */
export const resultOf = ({ node, output, addition }: NodePlan): Value =>
  output?.value ?? (addition?.node ?? node).outputs[0]!;

/** The codes a node's plan leads to; null: numbers. */
export const codesOutOf = ({ output, addition }: NodePlan): TensorPlan | null => output ?? addition?.output ?? null;

/** Every tensor that a node's plan leads to as codes. */
export const allCodesOutOf = (plan: NodePlan): TensorPlan[] =>
  [codesOutOf(plan), ...plan.more].filter((tensor) => tensor !== null);

/** The plan whose scale and zero point a tensor has. */
export const rootOf = (plan: TensorPlan): TensorPlan => (plan.kind === 'shared' ? rootOf(plan.source) : plan);

/** Every tensor plan once, those with parameters of their own. */
export function plansOf(plan: Plan): TensorPlan[] {
  const all = [...plan.nodes.values()].flatMap((node) => [
    ...node.inputs,
    ...allCodesOutOf(node),
    node.addition?.bias ?? null,
  ]);
  return [...new Set(all.filter((t) => t !== null).map(rootOf))];
}

/** The plans of one kind among them. */
export const plansOfKind = <K extends TensorPlan['kind']>(plan: Plan, kind: K): PlanOf<K>[] =>
  plansOf(plan).filter((tensor): tensor is PlanOf<K> => tensor.kind === kind);
