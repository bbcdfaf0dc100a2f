/** Adds nodes and constants to a graph under names nobody has, told from the values they stand for. */
import { attribute, type Attribute, type Graph, Node, type Origin, Value } from '../../onnx/ir.ts';
import { FreshNames } from '../../onnx/fresh-names.ts';
import { CONTRIB_DOMAIN } from '../../onnx/schema/contrib.ts';
import type { TensorData } from '../../tensor/data.ts';
import { memoryData } from '../../tensor/data.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import { encodeNumbers } from '../../tensor/numbers.ts';
import { tensorType, type TensorType } from '../../tensor/type.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';

export interface NodeSpec {
  readonly name: string;
  readonly type: TensorType | null;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly contrib?: boolean;
  readonly origin?: Origin | null;
}

export interface Params {
  readonly scale: Value;
  readonly zeroPoint: Value;
}

export class Editor {
  readonly graph: Graph;
  readonly #names: FreshNames;
  readonly #constants = new Map<string, Value>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.#names = new FreshNames(graph);
  }

  constant(stem: string, data: TensorData): Value {
    return this.graph.addInitializer(this.#names.of(stem), data);
  }

  /** Small numbers that several nodes may share. */
  numbers(
    stem: string,
    {
      dtype,
      shape,
      values,
    }: { readonly dtype: Dtype; readonly shape: readonly number[]; readonly values: ArrayLike<number> },
  ): Value {
    const key = `${stem} ${dtype}[${shape.join()}] ${Array.from(values).join()}`;
    const known =
      this.#constants.get(key) ?? this.constant(stem, memoryData(dtype, shape, encodeNumbers(dtype, values)));
    this.#constants.set(key, known);
    return known;
  }

  params(stem: string, { dtype, scale, zeroPoint }: Affine): Params {
    return {
      scale: this.numbers(`${stem}_scale`, { dtype: 'float32', shape: [], values: [scale] }),
      zeroPoint: this.numbers(`${stem}_zero_point`, { dtype, shape: [], values: [zeroPoint] }),
    };
  }

  /** One node with one output. */
  add(op: string, inputs: readonly (Value | null)[], spec: NodeSpec): Value {
    return this.addMany(op, inputs, [spec])[0]!;
  }

  /** One node; the first output's spec speaks for it. */
  addMany(op: string, inputs: readonly (Value | null)[], specs: readonly [NodeSpec, ...NodeSpec[]]): Value[] {
    const outputs = specs.map(({ name, type }) => new Value(this.#names.of(name), type));
    const [spec] = specs;
    const last = inputs.findLastIndex((input) => input !== null);
    const node = new Node({
      op,
      domain: spec.contrib ? CONTRIB_DOMAIN : '',
      inputs: inputs.slice(0, last + 1),
      outputs,
      attributes: Object.entries(spec.attributes ?? {}),
    });
    node.name = this.#names.of(`${outputs[0]!.name}_${op}`);
    node.origin = spec.origin ?? null;
    this.graph.addNode(node);
    return outputs;
  }

  quantize(value: Value, stem: string, affine: Affine): Value {
    const { scale, zeroPoint } = this.params(stem, affine);
    return this.add('QuantizeLinear', [value, scale, zeroPoint], {
      name: `${stem}_QuantizeLinear_Output`,
      type: retyped(value.type, affine.dtype),
      origin: value.producer?.origin ?? null,
    });
  }

  dequantize(
    codes: Value,
    stem: string,
    { scale, zeroPoint, axis }: Params & { readonly axis?: number | undefined },
  ): Value {
    return this.add('DequantizeLinear', [codes, scale, zeroPoint], {
      name: `${stem}_DequantizeLinear_Output`,
      type: retyped(codes.type, 'float32'),
      ...(axis === undefined || axis === 1 ? {} : { attributes: { axis: attribute.int(axis) } }),
    });
  }

  /** Everybody who reads `from` reads `to`, which takes its name where it is an output of the graph. */
  supersede(from: Value, to: Value, except: ReadonlySet<Node> = new Set()): void {
    const own = [...from.uses].filter(({ node }) => except.has(node));
    if (this.graph.isOutput(from)) {
      [to.name, from.name] = [from.name, to.name];
      to.type ??= from.type;
    }
    this.graph.replaceUses(from, to);
    for (const { node, index } of own) node.setInput(index, from);
  }

  /** Takes out nodes and initializers that nobody reads, beginning with these values. */
  removeUnread(values: Iterable<Value | null>): void {
    for (const value of values) {
      if (!value || value.uses.size > 0 || this.graph.isOutput(value)) continue;
      if (this.graph.initializers.has(value)) this.graph.removeInitializer(value);
      const { producer } = value;
      if (producer?.graph !== this.graph) continue;
      if (producer.outputs.some((output) => output.uses.size > 0 || this.graph.isOutput(output))) continue;
      const inputs = [...producer.inputs];
      this.graph.removeNode(producer);
      this.removeUnread(inputs);
    }
  }
}

export const retyped = (type: TensorType | null, dtype: Dtype): TensorType | null =>
  type && tensorType(dtype, type.shape);
