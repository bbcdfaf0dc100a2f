/** A graph being rewritten: nodes are built with types and older forms, under names that nobody has yet. */
import type { AttributeInputs, Builder } from '../../onnx/builder.ts';
import { type Attribute, type Graph, type Model, Node, type Origin, type Use, Value } from '../../onnx/ir.ts';
import { FreshNames } from '../../onnx/fresh-names.ts';
import { removeUnused } from '../../onnx/passes/remove-unused.ts';
import { type QParamValues, granularityAttributes } from '../../onnx/qparam-values.ts';
import { builderFor } from '../../onnx/rewrite.ts';
import { CONTRIB_DOMAIN } from '../../onnx/schema/contrib.ts';
import type { OnnxOp } from '../../onnx/schema/index.ts';
import type { TensorData } from '../../tensor/data.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { TensorType } from '../../tensor/type.ts';

/** Those who read a value, before anything new does. */
export interface Readers {
  readonly value: Value;
  readonly uses: readonly Use[];
  /** Positions among the outputs of the graph. */
  readonly outputs: readonly number[];
}

/** How the result of a new node is called: by itself, or as the value whose readers get it. */
type Naming =
  | { readonly name: string }
  /** The value that is replaced is called `<name>_<suffix>` from then on. */
  | { readonly replaces: Readers; readonly suffix: string };

interface CallBase {
  readonly inputs: readonly (Value | null)[];
  readonly attributes?: AttributeInputs;
  /** Attributes of a node that stands in the file, to be kept as they are. */
  readonly copied?: readonly (readonly [string, Attribute])[];
  readonly origin?: Origin | null;
  /** What is known of the first output, where inference from the inputs finds less. */
  readonly type?: TensorType | null;
  /** Names of further outputs. */
  readonly more?: readonly string[];
}
export type Call = CallBase & Naming & ({ readonly op: OnnxOp } | { readonly contrib: string });

const FIRST_WITH_16_BITS = 21;

export class Writing {
  readonly graph: Graph;
  readonly #model: Model;
  readonly #op: Builder;
  readonly #names: FreshNames;
  /** Names in the FP32 graph: scales keep them whatever happens to the tensor. */
  readonly #nameOf = new Map<Value, string>();
  readonly #carriers = new Map<Value, Value>();

  constructor(model: Model) {
    this.#model = model;
    this.graph = model.graph;
    this.#op = builderFor(model);
    this.#names = new FreshNames(this.graph);
    for (const node of this.graph.nodes) for (const value of node.outputs) this.#nameOf.set(value, value.name);
  }

  get opset(): number {
    return this.#op.opset;
  }

  /** Its name in the FP32 graph. */
  nameOf(value: Value): string {
    return this.#nameOf.get(value) ?? value.name;
  }

  constant(name: string, data: TensorData): Value {
    return this.#op.constant(data, this.#names.of(name));
  }

  add(call: Call): Value {
    return this.addAll(call)[0]!;
  }

  addAll(call: Call): readonly Value[] {
    const { inputs, copied = [], more = [] } = call;
    const attributes = { ...Object.fromEntries(copied.map(([name, { value }]) => [name, value])), ...call.attributes };
    this.#op.origin = call.origin ?? null;
    const outputs = 1 + more.length;
    const values =
      'contrib' in call
        ? this.#op.node(call.contrib, inputs.slice(0, countOf(inputs)), attributes, {
            domain: CONTRIB_DOMAIN,
            outputs,
          })
        : this.#op.emit(call.op, inputs, attributes, outputs);
    if ('contrib' in call) this.#model.opsets.set(CONTRIB_DOMAIN, 1);
    const [first] = values as [Value];
    first.type = call.type ?? first.type;
    more.forEach((name, i) => (values[1 + i]!.name = this.#names.of(name)));
    this.#name(first, call);
    writeOut(first.producer!, call, attributes);
    return values;
  }

  /** The same operator on codes instead of numbers, as it stands in the file. */
  addMoving(node: Node, inputs: readonly (Value | null)[], outputs: readonly Value[]): void {
    const { op, origin, attributes } = node;
    const copy = new Node({ op, inputs, outputs, attributes });
    copy.origin = origin;
    this.graph.addNode(copy);
    this.#nameNode(copy);
  }

  /** A value of the same shape as `like`, for `addMoving`. */
  valueLike(name: string, dtype: Dtype, like: Value): Value {
    return new Value(this.#names.of(name), typeLike(dtype, like));
  }

  quantize(
    x: Value,
    { scale, zeroPoint, granularity }: QParamValues,
    { dtype, name }: { readonly dtype: Dtype; readonly name: string },
  ): Value {
    const attributes = granularityAttributes(granularity);
    return this.add({
      ...this.#formOf('QuantizeLinear', dtype),
      inputs: [x, scale, zeroPoint],
      attributes,
      name,
      type: typeLike(dtype, x),
    });
  }

  dequantize(
    codes: Value,
    { scale, zeroPoint, granularity }: QParamValues,
    naming: Naming & { readonly like: Value },
  ): Value {
    const { like, ...named } = naming;
    const attributes = granularityAttributes(granularity);
    const type = typeLike('float32', like);
    const form = this.#formOf('DequantizeLinear', codes.type?.dtype ?? codes.data?.dtype);
    return this.add({ ...form, inputs: [codes, scale, zeroPoint], attributes, type, ...named });
  }

  /** Codes of 16 bits are ONNX's since opset 21; onnxruntime has had them before, in operators of the same name. */
  #formOf<T extends OnnxOp>(op: T, dtype: Dtype | undefined): { readonly op: T } | { readonly contrib: T } {
    return this.opset < FIRST_WITH_16_BITS && (dtype === 'uint16' || dtype === 'int16') ? { contrib: op } : { op };
  }

  readersOf(value: Value): Readers {
    return {
      value,
      uses: [...value.uses],
      outputs: this.graph.outputs.flatMap((output, i) => (output === value ? [i] : [])),
    };
  }

  /** The readers get `to`, which takes the name; the value they read is called `<name>_<suffix>`. */
  supersede({ value: from, uses, outputs }: Readers, to: Value, suffix: string): void {
    for (const { node, index } of uses) node.setInput(index, to);
    for (const i of outputs) this.graph.outputs[i] = to;
    to.name = from.name;
    from.name = this.#names.of(`${from.name}_${suffix}`);
    this.#carriers.set(from, to);
  }

  /** The value that holds the numbers of a tensor of the FP32 graph by now. */
  carrierOf(value: Value): Value {
    const next = this.#carriers.get(value);
    return next ? this.carrierOf(next) : value;
  }

  /** Takes out Relu and Clip that saturation replaces: what they read carries their tensor. */
  fold(nodes: readonly Node[]): void {
    for (const node of nodes) {
      this.supersede(this.readersOf(node.outputs[0]!), node.inputs[0]!, node.op);
      this.graph.removeNode(node);
    }
  }

  /** Puts the nodes in order and takes out what nobody reads any more. */
  finish(): void {
    this.graph.sortNodes();
    removeUnused.run(this.#model);
  }

  #name(value: Value, naming: Naming): void {
    if ('name' in naming) value.name = this.#names.of(naming.name);
    else this.supersede(naming.replaces, value, naming.suffix);
    this.#nameNode(value.producer!);
  }

  #nameNode(node: Node): void {
    node.name = this.#names.of(`${node.outputs[0]!.name}_${node.op}`);
  }
}

export const typeLike = (dtype: Dtype, { type }: Value): TensorType | null => type && { dtype, shape: type.shape };

const countOf = (inputs: readonly (Value | null)[]): number => inputs.findLastIndex((input) => input !== null) + 1;

/**
 * Attributes stand in the file also where they are the default, as in files of onnxruntime's tool. Older forms are left
 * alone.
 */
function writeOut(node: Node, call: Call, given: AttributeInputs): void {
  if (node.op !== ('contrib' in call ? call.contrib : call.op)) return;
  const copied = new Map(call.copied ?? []);
  const built = new Map(node.attributes);
  node.attributes.clear();
  for (const [name, value] of Object.entries(given))
    node.attributes.set(name, copied.get(name) ?? built.get(name) ?? { kind: 'int', value: value as number });
}
