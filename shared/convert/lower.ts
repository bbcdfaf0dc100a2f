/** The lowering loop: every PyTorch operator becomes ONNX nodes, in order, held against the recorded types. */
import { fail, FerryError } from '../errors.ts';
import { type Dim, dimText, mulDims, sameDim, symbolName, symbolsOf } from '../tensor/dim.ts';
import type { TensorData } from '../tensor/data.ts';
import { isComplex } from '../tensor/dtype.ts';
import { type Builder, makeBuilder } from '../onnx/builder.ts';
import type { Graph, Value } from '../onnx/ir.ts';
import { isUnknownDim } from '../onnx/unknown-dim.ts';
import { type TensorType, tensorType, typeText } from '../tensor/type.ts';
import type { Argument, TorchGraph, TorchNode, TorchValue } from '../torch/program.ts';
import { bindArguments, type Scope } from './bind.ts';
import type { AtenBuilder, AtenContext, Converted, SubgraphLowering } from './converter.ts';
import { numberOperand } from './promote.ts';
import type { RecordedSizes } from './recorded-sizes.ts';
import { assertRecorded, representedType } from './recorded-type.ts';
import { converterFor, STRUCTURAL_CONVERTERS } from './registry.ts';
import { filledTensor } from './shape.ts';
import { allNodes, isComplexNode, isSizeArithmetic, placeOf, tensorNames } from './survey.ts';

/** Their sizes and strides address the memory under a tensor. */
const READS_MEMORY: ReadonlySet<string> = new Set([
  'aten::as_strided',
  'aten::as_strided_copy',
  'aten::as_strided_scatter',
]);

interface LoweringShared {
  readonly sizes: RecordedSizes;
  readonly warn: (message: string) => void;
}

/** Lowers one torch graph into one ONNX graph; `bind` its inputs, then `run`. */
export class Lowering implements Scope, SubgraphLowering {
  readonly op: AtenBuilder;
  readonly #graph: TorchGraph;
  readonly #shared: LoweringShared;
  readonly #values = new Map<string, Value>();
  readonly #parent: Lowering | null;
  readonly #complex: WeakSet<Value>;
  /** The node being lowered, here or in a graph inside. */
  readonly #current: { node: TorchNode | null };

  constructor(
    graph: TorchGraph,
    target: { readonly graph: Graph; readonly opset: number } | AtenBuilder,
    shared: LoweringShared,
    parent: Lowering | null = null,
  ) {
    this.#graph = graph;
    this.#shared = shared;
    this.#parent = parent;
    this.#complex = parent ? parent.#complex : new WeakSet();
    this.#current = parent ? parent.#current : { node: null };
    this.op = 'aten' in target ? target : withContext(makeBuilder(target.graph, target.opset), this.#context());
  }

  bind(name: string, value: Value): void {
    const recorded = this.#graph.values.get(name);
    if (recorded?.kind === 'tensor' && isComplex(recorded.type.dtype)) this.#complex.add(value);
    this.#values.set(name, value);
  }

  /** The recorded type of a value, with friendly symbols, as ONNX holds it. */
  typeOf(name: string): ReturnType<typeof representedType> {
    const recorded = this.#recorded(name);
    if (recorded.kind !== 'tensor') throw new Error(`${name} is no tensor`);
    return representedType({ dtype: recorded.type.dtype, shape: recorded.type.shape.map((d) => this.#rename(d)) });
  }

  run(): void {
    for (const node of this.#graph.nodes) {
      if (!isSizeArithmetic(node)) this.#lower(node);
    }
  }

  /** What an output of the graph is: a tensor, or a number as a 0-d tensor. */
  value(argument: Argument): Value {
    if (argument.kind === 'tensor') return this.tensor(argument.name);
    if (argument.kind === 'symint') return this.op.dim(this.dim(argument.name));
    if (argument.kind === 'symfloat' || argument.kind === 'symbool') return this.scalar(argument.name);
    if (argument.kind === 'int' || argument.kind === 'float' || argument.kind === 'bool')
      return numberOperand(this.op, argument);
    return fail('ConversionFailed', {
      operator: 'output',
      at: 'the graph',
      reason: `a value of kind ${argument.kind} has no ONNX form`,
    });
  }

  tensor(name: string): Value {
    const value = this.#values.get(name);
    if (value) return value;
    return fail('CorruptModel', {
      file: 'graph',
      where: this.#current.node?.name ?? 'outputs',
      reason: `it reads "${name}", which nothing computes`,
    });
  }

  scalar(name: string): Value {
    return this.tensor(name);
  }

  dim(name: string): Dim {
    const recorded = this.#recorded(name);
    return recorded.kind === 'symint'
      ? this.#rename(recorded.dim)
      : fail('CorruptModel', {
          file: 'graph',
          where: name,
          reason: 'it is used as an int but recorded as something else',
        });
  }

  inline(op: AtenBuilder, graph: TorchGraph, operands: readonly (Value | null)[]): Value[] {
    const { origin } = op;
    const { node } = this.#current;
    const inner = new Lowering(graph, op, this.#shared, this);
    graph.inputs.forEach((input, i) => inner.#bindOperand(input, operands[i] ?? null));
    inner.run();
    const outputs = graph.outputs.map((o) => inner.value(o));
    op.origin = origin;
    this.#current.node = node;
    return outputs;
  }

  inside(op: AtenBuilder, graph: Graph): AtenBuilder {
    return withContext(makeBuilder(graph, op.opset, op), op.aten);
  }

  inputType(graph: TorchGraph, input: Argument): TensorType {
    if (input.kind === 'tensor') return new Lowering(graph, this.op, this.#shared, this).typeOf(input.name);
    return tensorType(input.kind === 'symbool' ? 'bool' : input.kind === 'symfloat' ? 'float64' : 'int64', []);
  }

  /** An input of an inner graph stands for `operand`, whose type has to be the one recorded inside. */
  #bindOperand(input: Argument, operand: Value | null): void {
    if (!('name' in input) || !operand) return;
    if (input.kind === 'tensor') this.bind(input.name, this.#asRecorded(input.name, operand));
    else if (input.kind === 'symint') this.#bindSize(input.name, operand);
    else this.bind(input.name, operand);
  }

  #asRecorded(name: string, operand: Value): Value {
    const expected = this.typeOf(name);
    const found = operand.type;
    if (found && sameType(found, expected)) return operand;
    // The graph may call a size by a name of its own.
    const own = this.op.Identity([operand]);
    own.type = expected;
    this.op.dimValues.bindShape(own);
    const fits =
      !found ||
      (found.dtype === expected.dtype &&
        found.shape.length === expected.shape.length &&
        expected.shape.every(
          (d, i) => sameDim(d, found.shape[i]!) || isUnknownDim(found.shape[i]!) || this.#isOwnSize(d, own),
        ));
    return fits
      ? own
      : this.op.aten.refuse(
          `operand "${name}"`,
          found ? typeText(found) : 'unknown',
          `the type recorded in the graph, ${typeText(expected)}`,
        );
  }

  #isOwnSize(dim: Dim, of: Value): boolean {
    const name = symbolName(dim);
    return name !== null && this.op.dimValues.isReadFrom(name, of);
  }

  #bindSize(name: string, operand: Value): void {
    const dim = this.dim(name);
    const bare = symbolName(dim);
    if (bare !== null && !this.op.dimValues.knows(bare)) this.op.dimValues.bindScalar(bare, operand);
    else if (!operand.content || !sameDim(operand.content[0]!, dim)) {
      this.op.aten.refuse(
        `operand "${name}"`,
        String(operand.content?.[0] ?? 'a number of the run'),
        `the size recorded in the graph, ${String(dim)}`,
      );
    }
  }

  #recorded(name: string): TorchValue {
    return (
      this.#graph.values.get(name) ??
      this.#parent?.recordedIn(name) ??
      fail('CorruptModel', { file: 'graph', where: name, reason: 'the file records no type for it' })
    );
  }

  recordedIn(name: string): TorchValue | undefined {
    return this.#graph.values.get(name) ?? this.#parent?.recordedIn(name);
  }

  #rename(dim: Dim): Dim {
    return this.#shared.sizes.friendly(dim);
  }

  #lower(node: TorchNode): void {
    this.#current.node = node;
    this.op.origin = { operator: node.target, module: node.source.module, line: node.source.line };
    const results = [this.#convert(node)].flat() as (Value | null)[];
    node.outputs
      .flatMap((o) =>
        o.kind === 'tensors'
          ? o.names.map((name): Argument => (name === null ? { kind: 'none' } : { kind: 'tensor', name }))
          : [o],
      )
      .forEach((output, i) => {
        this.#bindOutput(node, output, results[i] ?? null);
      });
  }

  #convert(node: TorchNode): Converted {
    try {
      const structural = STRUCTURAL_CONVERTERS.get(node.target);
      if (structural) return structural.convert(this.op, node, this);
      const empty = this.#withoutElements(node);
      if (empty) return empty;
      if (READS_MEMORY.has(node.target)) this.#requireRowMajor(node);
      const converter = converterFor(node.target, isComplexNode(node, this.#graph));
      if (!converter)
        return fail('UnsupportedOperator', { operators: [{ name: node.target, count: 1, at: placeOf(node) }] });
      return converter.convert(this.op, bindArguments(this.op, converter.schema, node, this));
    } catch (error) {
      if (error instanceof FerryError) throw error;
      // A rule of ours failed on this use: the new fact is where in the user's model.
      return fail(
        'ConversionFailed',
        { operator: node.target, at: placeOf(node), reason: error instanceof Error ? error.message : String(error) },
        error,
      );
    }
  }

  /** Places in memory are places in the tensor only where it lies there row by row. */
  #requireRowMajor(node: TorchNode): void {
    const base = node.args[0]?.value;
    const recorded = base?.kind === 'tensor' ? this.#recorded(base.name) : null;
    if (recorded?.kind !== 'tensor') return;
    const { type, strides, offset } = recorded;
    const isRowMajor = strides.every(
      (stride, i) => type.shape[i] === 1 || sameDim(stride, mulDims(...type.shape.slice(i + 1))),
    );
    if (!isRowMajor || offset !== 0)
      this.op.aten.refuse(
        node.args[0]!.name,
        `strides [${strides.map(dimText).join()}] from ${dimText(offset)}`,
        'a tensor that lies in memory row by row',
      );
  }

  /**
   * Tensors without elements need no computing, which runtimes get wrong here and there: their recorded shapes say all.
   */
  #withoutElements(node: TorchNode): Value[] | null {
    const names = node.outputs.flatMap((o) => (o.kind === 'tensor' || o.kind === 'tensors' ? tensorNames(o) : [null]));
    const isEmpty = ({ shape }: TensorType): boolean =>
      shape.includes(0) && shape.every((d) => [...symbolsOf(d)].every((s) => this.op.dimValues.knows(s)));
    if (names.length === 0 || !names.every((name) => name !== null && isEmpty(this.typeOf(name)))) return null;
    return names.map((name) => {
      const { dtype, shape } = this.typeOf(name!);
      return filledTensor(this.op, shape, dtype, 0);
    });
  }

  #bindOutput(node: TorchNode, output: Argument, result: Value | null): void {
    if (output.kind === 'none' || !('name' in output)) return;
    const { name } = output;
    if (output.kind === 'symint') return this.#bindSymbol(node, name, result);
    if (!result) {
      // Outputs that nobody reads need no value.
      if (!this.#isRead(name)) return;
      fail('ConversionFailed', {
        operator: node.target,
        at: placeOf(node),
        reason: `its output "${name}" has no value`,
      });
    }
    const recorded = this.#recorded(name);
    if (recorded.kind === 'tensor') {
      const type = { dtype: recorded.type.dtype, shape: recorded.type.shape.map((d) => this.#rename(d)) };
      assertRecorded(result, { name, type, operator: node.target, at: placeOf(node) }, this.#shared.sizes);
    }
    this.op.dimValues.bindShape(result);
    this.bind(name, result);
  }

  #isRead(name: string): boolean {
    const reads = (argument: Argument): boolean => tensorNames(argument).includes(name);
    return (
      this.#graph.outputs.some(reads) ||
      [...allNodes(this.#graph)].some((node) => node.args.some((a) => reads(a.value)))
    );
  }

  /** A size that only the data decides (`item`, `nonzero`): from now on its symbol has this value. */
  #bindSymbol(node: TorchNode, name: string, result: Value | null): void {
    const dim = this.dim(name);
    const bare = symbolName(dim);
    if (result && bare !== null) this.op.dimValues.bindScalar(bare, result);
    const unknown = [...symbolsOf(dim)].filter((s) => !this.op.dimValues.knows(s));
    if (unknown.length)
      fail('ConversionFailed', {
        operator: node.target,
        at: placeOf(node),
        reason: `nothing gives the size ${unknown.join(', ')}`,
      });
  }

  #context(): AtenContext {
    return {
      numbers: new WeakMap(),
      isComplex: (value) => this.#complex.has(value),
      refuse: (argument, value, supported) => {
        const { node } = this.#current;
        return fail('UnsupportedArgument', {
          operator: node?.target ?? 'graph',
          argument,
          value: String(value),
          supported,
          at: node ? placeOf(node) : 'the graph',
        });
      },
      warn: this.#shared.warn,
    };
  }
}

const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((d, i) => sameDim(d, b.shape[i]!));

const withContext = (op: Builder, context: AtenContext): AtenBuilder => Object.assign(op, { aten: context });

/** Weights become initializers when first read; tied weights (same numbers, same shape) become one. */
export function initializers(op: AtenBuilder): (name: string, data: TensorData) => Value {
  const known = new Map<object, { data: TensorData; value: Value }[]>();
  return (name, data) => {
    const same = known
      .get(data.identity)
      ?.find((k) => k.data.dtype === data.dtype && k.data.shape.join() === data.shape.join());
    if (same) return same.value;
    const value = op.constant(data, name);
    known.set(data.identity, [...(known.get(data.identity) ?? []), { data, value }]);
    return value;
  };
}
