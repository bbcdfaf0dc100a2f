/** What PyTorch wrote, as one type for every file format: a graph of operator calls, its weights and its signature. */
import type { Condition } from '../tensor/condition.ts';
import type { Dtype } from '../tensor/dtype.ts';
import type { Dim } from '../tensor/dim.ts';
import type { TensorData } from '../tensor/data.ts';
import type { TensorType } from '../tensor/type.ts';

/** A number as PyTorch typed it: 1 and 1.0 promote differently. Integers beyond 2^53 stay exact as bigint. */
export type Scalar =
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'complex'; readonly value: readonly [number, number] };

export type Argument =
  | Scalar
  | { readonly kind: 'none' }
  | { readonly kind: 'tensor'; readonly name: string }
  /** A list of tensors; null where an optional one is absent. */
  | { readonly kind: 'tensors'; readonly names: readonly (string | null)[] }
  /** A symbolic int, bool or float: the name of a value of the graph. */
  | { readonly kind: 'symint'; readonly name: string }
  | { readonly kind: 'symbool'; readonly name: string }
  | { readonly kind: 'symfloat'; readonly name: string }
  /** A list of anything else: ints, symbolic ints, floats, bools, strings, nested lists. */
  | { readonly kind: 'list'; readonly items: readonly Argument[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'dtype'; readonly value: Dtype }
  | { readonly kind: 'layout'; readonly value: string }
  | { readonly kind: 'memory_format'; readonly value: string }
  | { readonly kind: 'device'; readonly value: string }
  | { readonly kind: 'operator'; readonly value: string }
  | { readonly kind: 'graph'; readonly graph: TorchGraph }
  | { readonly kind: 'object'; readonly name: string };

export interface NamedArgument {
  /** The schema's argument name; empty when the file binds by position (higher-order operators, TorchScript). */
  readonly name: string;
  readonly value: Argument;
}

/** Where a node comes from, for messages and the report. */
export interface TorchSource {
  /** Dotted module path such as `layer1.0.conv1`; empty for the root. */
  readonly module: string;
  /** Class of that module, when recorded. */
  readonly moduleClass: string | null;
  /** `file.py:12`, when a stack trace is recorded. */
  readonly line: string | null;
}

export interface TorchNode {
  readonly name: string;
  /** `aten::add.Tensor`, with `.default` left out; `_operator::add`, `math::ceil`, `higher_order::cond` likewise. */
  readonly target: string;
  readonly args: readonly NamedArgument[];
  /** Kinds tensor, tensors, symint, symbool, symfloat and none only. */
  readonly outputs: readonly Argument[];
  readonly source: TorchSource;
}

export type TorchValue =
  | { readonly kind: 'tensor'; readonly type: TensorType; readonly strides: readonly Dim[]; readonly offset: Dim }
  | { readonly kind: 'symint'; readonly dim: Dim }
  | { readonly kind: 'symbool' }
  | { readonly kind: 'symfloat' };

export interface TorchGraph {
  /** Values bound from outside: for the top graph, parallel to `TorchProgram.inputs`. */
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
  readonly nodes: readonly TorchNode[];
  /** What the file records of every value. */
  readonly values: ReadonlyMap<string, TorchValue>;
}

/** `label`: what the author calls it, an argument or a key in one; absent where that is not known. */
export type ProgramInput =
  | { readonly kind: 'user'; readonly name: string; readonly value: Argument; readonly label?: string | null }
  /** Weights: `key` is a key of `TorchProgram.weights`. */
  | { readonly kind: 'parameter' | 'buffer' | 'constant'; readonly name: string; readonly key: string }
  | { readonly kind: 'object' | 'token'; readonly name: string };

export type ProgramOutput =
  | { readonly kind: 'user'; readonly value: Argument; readonly label?: string | null }
  | {
      readonly kind: 'mutation';
      readonly value: Argument;
      readonly of: 'parameter' | 'buffer' | 'input';
      readonly target: string;
    }
  | { readonly kind: 'token' | 'other'; readonly value: Argument };

export interface SymbolRange {
  readonly min: number | null;
  readonly max: number | null;
}

/** Conditions on input sizes that the program was traced under: elsewhere PyTorch would have recorded another one. */
export interface Guards {
  readonly conditions: readonly Condition[];
  /** Those that are about something else, or in a way no dimension can hold, as PyTorch wrote them. */
  readonly unread: readonly string[];
}

export interface Producer {
  /** For the report: `torch.export archive`, `torch.export flat zip`, `TorchScript`. */
  readonly format: string;
  readonly torchVersion: string | null;
  readonly schemaVersion: string | null;
}

/** The example inputs inside a file, flattened in the order of the user inputs; null where an input is no tensor. */
export type SampleInputs = readonly (TensorData | null)[];

export interface TorchProgram {
  /** File name, for messages. */
  readonly name: string;
  readonly producer: Producer;
  readonly graph: TorchGraph;
  readonly inputs: readonly ProgramInput[];
  readonly outputs: readonly ProgramOutput[];
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Symbols of the dimensions, with the range PyTorch found and the value of the example. */
  readonly symbols: ReadonlyMap<string, SymbolRange & { readonly hint: number | null }>;
  readonly guards: Guards;
  readonly warnings: readonly string[];
  /** null where the file has none; `warn` is told why those it has cannot be used. */
  sampleInputs(warn?: (message: string) => void): Promise<SampleInputs | null>;
}
