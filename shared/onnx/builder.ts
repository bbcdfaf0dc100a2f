/** Appends typed nodes to a graph: `op.Add([a, b])`. The operator table gives every value its type as it is built. */
import { latin1Text } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import { type Dim, isStatic } from '../tensor/dim.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { memoryData, type TensorData } from '../tensor/data.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { typeText } from '../tensor/type.ts';
import { dataTypeNumber } from './data-type.ts';
import { DimValues } from './dim-values.ts';
import { type Attribute, Graph, Node, type Origin, Value } from './ir.ts';
import { contentOf, followed } from './schema/content.ts';
import { dtypeSince } from './schema/dtype-since.ts';
import { FORMS } from './forms/index.ts';
import { OPS, type OnnxOp } from './schema/index.ts';
import { rowOf } from './schema/lookup.ts';
import { type Inferred, inferTypes, OpCall, type OpRow, signatureOf } from './schema/row.ts';
import { isUnknownDim, unknownDim } from './unknown-dim.ts';

export type AttributeInput =
  number | bigint | string | readonly (number | bigint)[] | readonly string[] | TensorData | Graph;
export type AttributeInputs = Readonly<Record<string, AttributeInput | undefined>>;

interface EmitOp {
  (inputs: readonly (Value | null)[], attributes?: AttributeInputs): Value;
  (inputs: readonly (Value | null)[], attributes: AttributeInputs, outputs: number): Value[];
}

class OpBuilder {
  readonly graph: Graph;
  readonly opset: number;
  /** Copied to every node built: the PyTorch operator being lowered, or the node being rewritten. */
  origin: Origin | null = null;
  readonly dimValues: DimValues;
  readonly #root: Graph;
  readonly #counter: { next: number };
  readonly #constants: Map<string, Value>;

  /** `parent`: the builder of the enclosing graph, when this one fills a subgraph. Constants are shared with it. */
  constructor(graph: Graph, opset: number, parent?: OpBuilder) {
    this.graph = graph;
    this.opset = opset;
    this.#root = parent ? parent.#root : graph;
    this.#counter = parent ? parent.#counter : { next: 0 };
    this.#constants = parent ? parent.#constants : new Map();
    this.dimValues = new DimValues(this as unknown as Builder, parent?.dimValues);
    this.origin = parent?.origin ?? null;
  }

  /** Whether the target opset has this operator in its own right (an older form may still exist). */
  has(op: OnnxOp): boolean {
    return this.opset >= OPS[op].since[0]!;
  }

  /** A builder for the body of If, Loop or Scan: it may read this graph's values. */
  sub(name: string): Builder {
    return makeBuilder(new Graph(name), this.opset, this as unknown as Builder);
  }

  freshName(stem = 'v'): string {
    return `${stem}.${this.#counter.next++}`;
  }

  unknownDim(): Dim {
    return unknownDim(this.#counter.next++);
  }

  /** An initializer. Small equal ones are shared when they have no name of their own. */
  constant(data: TensorData, name?: string): Value {
    const key =
      name === undefined && data.memory && data.byteLength <= 256
        ? `${data.dtype}[${data.shape}]${latin1Text(data.memory)}`
        : null;
    const known = key === null ? undefined : this.#constants.get(key);
    if (known) return known;
    const value = this.#root.addInitializer(name ?? this.freshName('const'), data);
    value.content = contentOf(data);
    if (key !== null) this.#constants.set(key, value);
    return value;
  }

  /** A tensor of numbers, row-major. Floats are rounded to the dtype; integers must fit. */
  tensor(dtype: Dtype, shape: readonly number[], values: ArrayLike<number | bigint>): Value {
    return this.constant(memoryData(dtype, shape, encodeNumbers(dtype, values)));
  }

  scalar(dtype: Dtype, value: number | bigint | boolean): Value {
    return this.tensor(dtype, [], [typeof value === 'boolean' ? Number(value) : value]);
  }

  /** int64[n]. */
  ints(values: readonly number[]): Value {
    return this.tensor('int64', [values.length], values);
  }

  /** A dimension as an int64 scalar: a constant, or arithmetic on the shapes of inputs. */
  dim(dim: Dim): Value {
    return isStatic(dim) ? this.scalar('int64', dim) : this.dimValues.scalar(dim);
  }

  /** Dimensions as int64[n]: a constant when all are numbers. */
  dims(dims: readonly Dim[]): Value {
    return dims.every(isStatic) ? this.ints(dims as readonly number[]) : this.dimValues.vector(dims);
  }

  /** Any operator of any domain, without older forms; types given by the caller or found by the table. */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: AttributeInputs = {},
    more: { domain?: string; types?: readonly Inferred['type'][]; outputs?: number } = {},
  ): Value[] {
    const row = rowOf({ op, domain: more.domain ?? '' });
    const attributeMap = attributesOf(op, row, attributes);
    const count = more.types?.length ?? more.outputs ?? 1;
    if (!row && !more.types) throw new Error(`operator ${op} has no row and no types were given`);
    const inferred = more.types
      ? more.types.map((type) => ({ type }))
      : inferTypes(this.#call({ op, row: row!, inputs, attributes: attributeMap, outputs: count }));
    return this.#append({ op, domain: more.domain ?? '', inputs, attributes: attributeMap }, inferred);
  }

  /** What `op.X(...)` does: checks the call against its row, chooses the form for the opset, infers types. */
  emit(op: OnnxOp, inputs: readonly (Value | null)[], attributes: AttributeInputs, outputs: number): readonly Value[] {
    const row: OpRow = OPS[op];
    const call = this.#call({
      op,
      row,
      inputs: trimAbsent(inputs),
      attributes: attributesOf(op, row, attributes),
      outputs,
    });
    requireSignature(call);
    const inferred = inferTypes(call);
    const form = FORMS[op]?.find((f) => this.opset < f.below && (f.when?.(call) ?? true));
    if (form) {
      const written = form.write(call, this as unknown as Builder);
      return typedAs(op, Array.isArray(written) ? (written as readonly Value[]) : [written as Value], inferred);
    }
    this.#requireOpset(call);
    for (const { type } of inferred) {
      const since = type ? dtypeSince(type.dtype) : 0;
      if (this.opset < since) this.refuse(op, `element type ${type!.dtype} exists since opset ${since}`);
    }
    return this.#append({ ...call, domain: '' }, inferred);
  }

  /** Refuse an operator the target opset cannot express; `needed` says what would do. */
  refuse(op: string, needed: string): never {
    const at = this.origin ? `${this.origin.operator} in ${this.origin.module || 'the root module'}` : op;
    return fail('UnsupportedOpset', { operator: op, opset: this.opset, needed, at });
  }

  #requireOpset({ op, row, attributes }: OpCall): void {
    if (this.opset < row.since[0]!) this.refuse(op, `it exists since opset ${row.since[0]}`);
    for (const name of attributes.keys()) {
      const since = row.attributes?.[name]?.since ?? 0;
      if (this.opset < since) this.refuse(op, `its attribute ${name} exists since opset ${since}`);
    }
  }

  #call(spec: Pick<OpCall, 'op' | 'row' | 'inputs' | 'attributes' | 'outputs'>): OpCall {
    return new OpCall({ ...spec, opset: this.opset, fresh: () => this.unknownDim() });
  }

  #append(
    { op, domain, inputs, attributes }: Pick<OpCall, 'op' | 'inputs' | 'attributes'> & { readonly domain: string },
    inferred: readonly Inferred[],
  ): Value[] {
    const outputs = inferred.map(({ type, content }) => {
      const value = new Value(this.freshName(op.toLowerCase()), type);
      value.content = followed(type, content);
      return value;
    });
    const node = new Node({ op, domain, inputs, outputs, attributes });
    node.origin = this.origin;
    this.graph.addNode(node);
    // Sizes that nobody knows before the run can be read off the result.
    for (const value of outputs) if (value.type?.shape.some(isUnknownDim)) this.dimValues.bindShape(value);
    return outputs;
  }
}

export type Builder = OpBuilder & { readonly [K in OnnxOp]: EmitOp };

for (const op of Object.keys(OPS) as OnnxOp[]) {
  Object.defineProperty(OpBuilder.prototype, op, {
    value(this: OpBuilder, inputs: readonly (Value | null)[], attributes: AttributeInputs = {}, outputs?: number) {
      const values = this.emit(op, inputs, attributes, outputs ?? 1);
      return outputs === undefined ? values[0]! : values;
    },
  });
}

/** A builder appending to `graph`; the methods named after ONNX operators come from the operator table. */
export function makeBuilder(graph: Graph, opset: number, parent?: Builder): Builder {
  return new OpBuilder(graph, opset, parent) as Builder;
}

/** What an older form computes has the type the newest one has, also where the detour hides it. */
function typedAs(op: string, values: readonly Value[], inferred: readonly Inferred[]): readonly Value[] {
  inferred.forEach(({ type, content }, i) => {
    const value = values[i];
    if (!value) throw new Error(`${op}: the older form gives ${values.length} outputs instead of ${inferred.length}`);
    if (!type) return;
    if (value.type && (value.type.dtype !== type.dtype || value.type.shape.length !== type.shape.length)) {
      throw new Error(`${op}: the older form gives ${typeText(value.type)} instead of ${typeText(type)}`);
    }
    value.type = type;
    value.content ??= followed(type, content);
  });
  return values;
}

function trimAbsent(inputs: readonly (Value | null)[]): readonly (Value | null)[] {
  let end = inputs.length;
  while (end > 0 && inputs[end - 1] === null) end--;
  return inputs.slice(0, end);
}

function attributesOf(op: string, row: OpRow | undefined, given: AttributeInputs): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const spec = row?.attributes?.[name];
    if (row && !spec) throw new Error(`${op} has no attribute ${name}`);
    const attribute = toAttribute(
      spec?.kind ?? guessKind(value),
      spec?.dtype && typeof value === 'string' ? dataTypeNumber(value as Dtype) : value,
    );
    if (spec?.default === undefined || !sameAttribute(spec.default, attribute)) attributes.set(name, attribute);
  }
  for (const [name, spec] of Object.entries(row?.attributes ?? {})) {
    if (spec.default === undefined && !spec.optional && !attributes.has(name))
      throw new Error(`${op} needs attribute ${name}`);
  }
  return attributes;
}

/** Float attributes are float32 numbers in a file. */
function sameAttribute(byDefault: unknown, { kind, value }: Attribute): boolean {
  if (kind === 'float') return Math.fround(value) === Math.fround(byDefault as number);
  return Array.isArray(byDefault) && Array.isArray(value)
    ? byDefault.length === value.length && byDefault.every((x, i) => x === value[i])
    : byDefault === value;
}

/** A call must fit the newest signature: it is the only one callers know. */
function requireSignature({ op, row, inputs, attributes, outputs }: OpCall): void {
  const [takes, gives] = [signatureOf(row.inputs), signatureOf(row.outputs ?? 'Y')];
  if (inputs.length > takes.most) throw new Error(`${op} takes ${takes.most} inputs, not ${inputs.length}`);
  takes.required.forEach((name, i) => {
    if (name !== null && !inputs[i]) throw new Error(`${op} needs input ${name}`);
  });
  if (outputs > gives.most) throw new Error(`${op} has ${gives.most} outputs, not ${outputs}`);
  for (const name of attributes.keys()) {
    if (row.attributes?.[name]?.until !== undefined) throw new Error(`${op} has no attribute ${name} any more`);
  }
}

function guessKind(value: AttributeInput): Attribute['kind'] {
  if (value instanceof Graph) return 'graph';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (Array.isArray(value))
    return typeof value[0] === 'string' ? 'strings' : value.every((x) => Number.isInteger(x)) ? 'ints' : 'floats';
  return 'tensor';
}

const toAttribute = (kind: Attribute['kind'], value: AttributeInput): Attribute => ({ kind, value }) as Attribute;
