/** The lowering loop: every PyTorch operator becomes ONNX nodes, in order, held against the recorded types. */
import { fail, FerryError } from '../errors.ts';
import { dimText, mulDims, sameDim, symbolName, symbolsOf } from '../tensor/dim.ts';
import { type Builder, makeBuilder } from '../onnx/builder.ts';
import type { Graph, Value } from '../onnx/ir.ts';
import { type TensorType, tensorType } from '../tensor/type.ts';
import type { Argument, TorchGraph, TorchNode } from '../torch/program.ts';
import { bindArguments } from './bind.ts';
import type { AtenBuilder, AtenContext, Converted, SubgraphLowering } from './converter.ts';
import type { RecordedSizes } from './recorded-sizes.ts';
import { converterFor, mayGiveComplex, STRUCTURAL_CONVERTERS } from './registry.ts';
import { Scope, type ScopeShared } from './scope.ts';
import { filledTensor } from './shape.ts';
import { opened } from './structural/subgraph.ts';
import { allNodes, isSizeArithmetic, placeOf, namesComplex, tensorNames } from './survey.ts';

/** What conversion knows and wants to be told, whatever operator is being lowered. */
interface Surroundings {
  readonly sizes: RecordedSizes;
  readonly warn: (message: string) => void;
  /** As in the context of an operator, of one named here. */
  readonly carriesNaN: (operator: string) => boolean;
}

/** Begin lowering `graph`, the program's own, into `target`; `bind` its inputs, then `run`. */
export function beginLowering(
  graph: TorchGraph,
  target: { readonly graph: Graph; readonly opset: number },
  says: Surroundings,
): Lowering {
  const shared: ScopeShared = { sizes: says.sizes, complex: new WeakSet(), current: { node: null } };
  const op = withContext(makeBuilder(target.graph, target.opset), contextOf(shared, says));
  return new Lowering(graph, op, { scope: new Scope(graph, shared), shared });
}

/** Lowers one torch graph into one ONNX graph. */
export class Lowering implements SubgraphLowering {
  readonly op: AtenBuilder;
  readonly scope: Scope;
  readonly #graph: TorchGraph;
  readonly #shared: ScopeShared;

  constructor(
    graph: TorchGraph,
    op: AtenBuilder,
    { scope, shared }: { readonly scope: Scope; readonly shared: ScopeShared },
  ) {
    this.#graph = graph;
    this.#shared = shared;
    this.op = op;
    this.scope = scope;
  }

  run(): void {
    for (const node of this.#graph.nodes) {
      if (!isSizeArithmetic(node)) this.#lower(node);
    }
  }

  value(argument: Argument): Value {
    return this.scope.value(this.op, argument);
  }

  inline(op: AtenBuilder, graph: TorchGraph, operands: readonly (Value | null)[]): Value[] {
    const { origin } = op;
    const { node } = this.#shared.current;
    const inner = this.#inner(graph, op);
    graph.inputs.forEach((input, i) => inner.scope.bindOperand(op, input, operands[i] ?? null));
    inner.run();
    const outputs = graph.outputs.map((o) => inner.value(o));
    op.origin = origin;
    this.#shared.current.node = node;
    return outputs;
  }

  inside(op: AtenBuilder, graph: Graph): AtenBuilder {
    return withContext(makeBuilder(graph, op.opset, op), op.aten);
  }

  inputType(graph: TorchGraph, input: Argument, operand: Value): TensorType {
    if (input.kind === 'tensor') return this.#inner(graph, this.op).scope.records.typeOf(input.name) ?? operand.type!;
    return tensorType(input.kind === 'symbool' ? 'bool' : input.kind === 'symfloat' ? 'float64' : 'int64', []);
  }

  #inner(graph: TorchGraph, op: AtenBuilder): Lowering {
    return new Lowering(graph, op, { scope: new Scope(graph, this.#shared, this.scope), shared: this.#shared });
  }

  #lower(node: TorchNode): void {
    this.#shared.current.node = node;
    this.op.origin = { operator: node.target, module: node.source.module, line: node.source.line };
    const outputs = outputsOf(node);
    const converted = [this.#convert(node)].flat() as (Value | null)[];
    const isRecorded = outputs.every((o) => o.kind !== 'tensor' || this.scope.records.tensor(o.name));
    const types = converted.map((value) => value?.type ?? null);
    // Where no record said it beforehand, the lowered types do.
    const results = (isRecorded ? null : this.#withoutElements(types)) ?? converted;
    outputs.forEach((output, i) => {
      this.#bindOutput(node, output, results[i] ?? null);
    });
  }

  #convert(node: TorchNode): Converted {
    try {
      const complex = this.#meetsComplex(node);
      const structural = STRUCTURAL_CONVERTERS.get(node.target);
      if (structural) return structural.convert(this.op, node, this);
      const empty = this.#withoutElements(outputsOf(node).map((output) => this.#recordedType(output)));
      if (empty) return empty;
      const converter = converterFor(node.target, { complex });
      if (!converter)
        return fail('UnsupportedOperator', { operators: [{ name: node.target, count: 1, at: placeOf(node) }] });
      if (converter.facts.addressesMemory) this.#requireRowMajor(node);
      return converter.convert(this.op, bindArguments(this.op, converter.schema, node, this.scope));
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

  /** Whether the node takes or gives complex tensors; without a record of what it gives that cannot be followed. */
  #meetsComplex(node: TorchNode): boolean {
    const taken = node.args.flatMap(({ value }) => opened(value)).flatMap(tensorNames);
    const takes = namesComplex(node) || taken.some((name) => name !== null && this.scope.isComplex(name));
    const given = outputsOf(node).flatMap(tensorNames);
    const records = given.map((name) => (name === null ? false : this.scope.records.isComplex(name)));
    if (records.includes(null) && (takes || mayGiveComplex(node.target)))
      return this.op.aten.refuse(
        'result',
        'a tensor without a recorded type',
        'complex numbers where the file records the type of every value',
      );
    return takes || records.includes(true);
  }

  /** Places in memory are places in the tensor only where it lies there row by row. */
  #requireRowMajor(node: TorchNode): void {
    const base = node.args[0]?.value;
    if (base?.kind !== 'tensor') return;
    const recorded = this.scope.records.tensor(base.name);
    const supported = 'a tensor that lies in memory row by row';
    if (!recorded) return this.op.aten.refuse(node.args[0]!.name, 'a tensor whose strides are not recorded', supported);
    const { type, strides, offset } = recorded;
    const isRowMajor = strides.every(
      (stride, i) => type.shape[i] === 1 || sameDim(stride, mulDims(...type.shape.slice(i + 1))),
    );
    if (!isRowMajor || offset !== 0)
      this.op.aten.refuse(
        node.args[0]!.name,
        `strides [${strides.map(dimText).join()}] from ${dimText(offset)}`,
        supported,
      );
  }

  /** Tensors without elements need no computing, which runtimes get wrong here and there: their shapes say all. */
  #withoutElements(types: readonly (TensorType | null)[]): Value[] | null {
    if (types.length === 0 || !types.every((type) => type !== null && this.#isEmpty(type))) return null;
    return types.map((type) => filledTensor(this.op, type!.shape, type!.dtype, 0));
  }

  #recordedType(output: Argument): TensorType | null {
    return output.kind === 'tensor' ? this.scope.records.typeOf(output.name) : null;
  }

  #isEmpty({ shape }: TensorType): boolean {
    return shape.includes(0) && shape.every((d) => [...symbolsOf(d)].every((s) => this.op.dimValues.knows(s)));
  }

  #bindOutput(node: TorchNode, output: Argument, result: Value | null): void {
    if (output.kind === 'none' || !('name' in output)) return;
    const { name } = output;
    if (output.kind === 'symint') return this.#bindSymbol(node, name, result);
    if (!result) {
      // Outputs that nobody reads need no value.
      if (!this.#isRead(name)) return;
      return this.op.aten.refuse('result', `"${name}"`, 'programs that do not read this one of its results');
    }
    if (output.kind === 'tensor') this.scope.records.settle(result, { name, operator: node.target, at: placeOf(node) });
    this.op.dimValues.bindShape(result);
    this.scope.bind(name, result);
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
    const dim = this.scope.dim(name);
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
}

const outputsOf = (node: TorchNode): Argument[] =>
  node.outputs.flatMap((o) =>
    o.kind === 'tensors'
      ? o.names.map((name): Argument => (name === null ? { kind: 'none' } : { kind: 'tensor', name }))
      : [o],
  );

const contextOf = (
  { sizes, complex, current }: ScopeShared,
  { warn, carriesNaN }: Omit<Surroundings, 'sizes'>,
): AtenContext => ({
  numbers: new WeakMap(),
  isComplex: (value) => complex.has(value),
  canBeZero: (dim) => !sizes.isPositive(dim),
  resultCount: () => (current.node ? outputsOf(current.node).length : 0),
  carriesNaN: () => carriesNaN(current.node?.target ?? 'graph'),
  refuse: (argument, value, supported) =>
    fail('UnsupportedArgument', {
      operator: current.node?.target ?? 'graph',
      argument,
      value: String(value),
      supported,
      at: current.node ? placeOf(current.node) : 'the graph',
    }),
  warn,
});

const withContext = (op: Builder, context: AtenContext): AtenBuilder => Object.assign(op, { aten: context });
