/** What an operator converter is: its ATen schema and how to write it with ONNX operators. */
import type { Builder } from '../onnx/builder.ts';
import type { Graph, Value } from '../onnx/ir.ts';
import type { Dim } from '../tensor/dim.ts';
import type { TensorType } from '../tensor/type.ts';
import type { Argument, Scalar, TorchGraph, TorchNode } from '../torch/program.ts';
import type { OpsetLimit } from './opset-limits.ts';
import { type ArgumentsOf, parseSchema, type Schema } from './schema.ts';

/** What the operator being converted needs beyond the builder. */
export interface AtenContext {
  /** Tensors that stand for Python numbers: they give way in type promotion. `null`: known only when the model runs. */
  readonly numbers: WeakMap<Value, Scalar | null>;
  /** Whether a value stands for a complex tensor (then it has a last axis of 2). */
  isComplex(value: Value): boolean;
  /** Whether a size may be 0, within the sizes PyTorch recorded for the program. */
  canBeZero(dim: Dim): boolean;
  /** How many results PyTorch recorded: what guards its sizes keep. */
  resultCount(): number;
  /**
   * Whether this use of the operator must give NaN where PyTorch does, whatever it costs (`nan: exact`); where not, the
   * report names it. Asked only where it would cost more than a twentieth of the operator's time.
   */
  carriesNaN(): boolean;
  /** Refuse an argument: typed, with the place in the user's model. */
  refuse(argument: string, value: unknown, supported: string): never;
  /** Tell the user something that is right but may surprise. */
  warn(message: string): void;
}

export type AtenBuilder = Builder & { readonly aten: AtenContext };

export type Converted = Value | readonly (Value | null)[];

/** What shared code may want to know of an operator: said in its row, never asked of its name. */
export interface OperatorFacts {
  /** Opsets that cannot express it, or some of its uses. */
  readonly limits?: readonly OpsetLimit[];
  /** Its sizes and strides address the memory under a tensor. */
  readonly addressesMemory?: true;
  /** It reads no numbers of its operands, so complex ones do no harm. */
  readonly readsNoNumbers?: true;
}

export interface OpConverter {
  readonly schema: Schema;
  readonly facts: OperatorFacts;
  convert(op: AtenBuilder, args: Readonly<Record<string, unknown>>): Converted;
}

/** A converter for one schema, or for several that share their argument names and meaning. */
export function aten<const S extends string>(
  schema: S | readonly S[],
  convert: (op: AtenBuilder, args: ArgumentsOf<S>) => Converted,
  facts: OperatorFacts = {},
): OpConverter[] {
  return [schema].flat().map((text) => ({
    schema: parseSchema(text as string),
    facts,
    // The arguments were bound by this very schema, so they have the types it names.
    convert: convert as OpConverter['convert'],
  }));
}

/** How an operator that holds graphs (cond, while_loop, wrap_*) is lowered. */
export interface StructuralConverter {
  readonly target: string;
  convert(op: AtenBuilder, node: TorchNode, lowering: SubgraphLowering): Converted;
}

export interface SubgraphLowering {
  /** The value an argument stands for in the current scope. */
  value(argument: Argument): Value;
  /**
   * Lower `graph` into `op`'s graph with its inputs bound to `operands` (null: not to be read); returns its outputs.
   */
  inline(op: AtenBuilder, graph: TorchGraph, operands: readonly (Value | null)[]): Value[];
  /**
   * A builder for `graph`, a body or `op`'s own graph, that may read what stands in `op`'s graph. Symbols bound there
   * stay there.
   */
  inside(op: AtenBuilder, graph: Graph): AtenBuilder;
  /** The type recorded for an input of an inner graph, as ONNX holds it; that of the operand where nothing is. */
  inputType(graph: TorchGraph, input: Argument, operand: Value): TensorType;
}
