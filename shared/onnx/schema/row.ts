/** What one row of the operator table says: versions, signature, attributes and the types it computes. */
import type { Dim } from '../../tensor/dim.ts';
import { isStatic } from '../../tensor/dim.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { TensorType } from '../../tensor/type.ts';
import { dtypeOfNumber } from '../data-type.ts';
import { type Attribute, Graph, type Value } from '../ir.ts';

export interface Inferred {
  /** null: cannot be told (a type ORT will find out itself). */
  readonly type: TensorType | null;
  /** Elements of a small integer result as dimensions, row-major, when they follow from the inputs. */
  readonly content?: readonly Dim[] | null;
}

export interface AttributeRow {
  readonly kind: Attribute['kind'];
  /** Opset in which it appeared, when later than the operator. */
  readonly since?: number;
  /** Left out when a value equals it. No default and not optional: required. */
  readonly default?: number | string | readonly number[] | readonly string[];
  readonly optional?: true;
  /** An element type: given by name (`to: 'float32'`), stored as ONNX's number. */
  readonly dtype?: true;
  /** Opset from which it is gone (an input took its place): found in older files and written by older forms only. */
  readonly until?: number;
}

export interface OpRow {
  /** Versions of the operator's definition, oldest first; the first is the opset in which it appeared. */
  readonly since: readonly number[];
  /** Names in order: `X W B?`, with `?` optional and `...` variadic, as the newest version has them. */
  readonly inputs: string;
  /** As `inputs`; one output `Y` when left out. */
  readonly outputs?: string;
  readonly attributes?: Readonly<Record<string, AttributeRow>>;
  /** `infer` copes with inputs whose type is not known (sequences, loop state). */
  readonly untyped?: true;
  /** What the graphs it runs are given, where it is not nothing. */
  bodies?(call: OpCall): ReadonlyMap<Graph, readonly Inferred[]>;
  /** It computes on codes or turns them into numbers: a model with one is quantized. */
  readonly readsCodes?: true;
  /** Types of the outputs for a call in the newest form. */
  infer(call: OpCall): Inferred | readonly Inferred[];
}

export interface Signature {
  /** Largest number of arguments: Infinity with a variadic one. */
  readonly most: number;
  /** The name of each argument that must be present, null where it may be absent. */
  readonly required: readonly (string | null)[];
}

/** What the names of a row say: `X W B?` or `inputs...`. */
export function signatureOf(names: string): Signature {
  const list = names === '' ? [] : names.split(' ');
  return {
    most: list.at(-1)?.endsWith('...') ? Infinity : list.length,
    required: list.map((name) => (name.endsWith('?') || name.endsWith('...') ? null : name)),
  };
}

/** One call of an operator with its attributes at hand: what `infer` and older forms look at. */
export class OpCall {
  readonly op: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly outputs: number;
  readonly opset: number;
  readonly row: OpRow;
  readonly #fresh: () => Dim;

  constructor(spec: {
    op: string;
    inputs: readonly (Value | null)[];
    attributes: ReadonlyMap<string, Attribute>;
    outputs: number;
    opset: number;
    row: OpRow;
    fresh: () => Dim;
  }) {
    this.op = spec.op;
    this.inputs = spec.inputs;
    this.attributes = spec.attributes;
    this.outputs = spec.outputs;
    this.opset = spec.opset;
    this.row = spec.row;
    this.#fresh = spec.fresh;
  }

  /** Whether an input is known to have one of these element types. */
  isOf(index: number, ...dtypes: readonly Dtype[]): boolean {
    const type = this.inputs[index]?.type;
    return Boolean(type && dtypes.includes(type.dtype));
  }

  /** Whether an input is given. */
  has(index: number): boolean {
    return Boolean(this.inputs[index]);
  }

  input(index: number): Value {
    return this.inputs[index] ?? missing(this, `input ${index}`);
  }

  type(index: number): TensorType {
    return this.input(index).type ?? missing(this, `the type of input ${index}`);
  }

  shape(index: number): readonly Dim[] {
    return this.type(index).shape;
  }

  rank(index: number): number {
    return this.shape(index).length;
  }

  dtypeOf(index: number): Dtype {
    return this.type(index).dtype;
  }

  content(index: number): readonly Dim[] | null {
    return this.inputs[index]?.content ?? null;
  }

  /** The content when every element is a number, else null. */
  numbers(index: number): readonly number[] | null {
    const content = this.content(index);
    return content?.every(isStatic) ? (content as readonly number[]) : null;
  }

  /** Small integers given as an input, or as the attribute that older versions had in its place. */
  integers(index: number, attribute: string): readonly number[] | null {
    return this.has(index) ? this.numbers(index) : this.ints(attribute);
  }

  float(name: string): number {
    return this.int(name);
  }

  int(name: string): number {
    const value = this.#value(name);
    return typeof value === 'number' || typeof value === 'bigint'
      ? Number(value)
      : missing(this, `number attribute ${name}`);
  }

  /** An attribute that is an element type. */
  dtype(name: string): Dtype {
    return dtypeOfNumber(this.int(name)) ?? missing(this, `a known element type in ${name}`);
  }

  string(name: string): string {
    const value = this.#value(name);
    return typeof value === 'string' ? value : missing(this, `string attribute ${name}`);
  }

  ints(name: string): readonly number[] | null {
    const value = this.#value(name);
    return Array.isArray(value) ? (value as readonly (number | bigint)[]).map(Number) : null;
  }

  graph(name: string): Graph {
    const value = this.#value(name);
    return value instanceof Graph ? value : missing(this, `graph attribute ${name}`);
  }

  attribute(name: string): Attribute | null {
    return this.attributes.get(name) ?? null;
  }

  /** The attributes given, to be handed to another call as they are. */
  given(): Record<string, Attribute['value']> {
    return Object.fromEntries([...this.attributes].map(([name, { value }]) => [name, value]));
  }

  /** A dimension nobody can know before the model runs. */
  unknownDim(): Dim {
    return this.#fresh();
  }

  #value(name: string): unknown {
    const given = this.attributes.get(name);
    return given ? given.value : this.row.attributes?.[name]?.default;
  }
}

/** Types of the outputs of a call. Nothing can be told from an input of unknown type, except by rows that say so. */
export function inferTypes(call: OpCall): readonly Inferred[] {
  if (!call.row.untyped && call.inputs.some((input) => input && !input.type))
    return Array.from({ length: call.outputs }, () => ({ type: null }));
  const inferred = call.row.infer(call);
  const list = Array.isArray(inferred) ? (inferred as readonly Inferred[]) : [inferred as Inferred];
  if (list.length < call.outputs)
    throw new Error(`${call.op}: ${call.outputs} outputs wanted, ${list.length} inferred`);
  return list.slice(0, call.outputs);
}

function missing(call: OpCall, what: string): never {
  throw new Error(`${call.op}: ${what} is missing`);
}
