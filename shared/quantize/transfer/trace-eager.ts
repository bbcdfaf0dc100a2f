/**
 * Follows the numbers through a graph as eager mode quantized it. A state dict says which modules give codes, and
 * nothing of the places where QuantStub, DeQuantStub and functionals stand: those that only one place fits are found,
 * others are refused.
 */
import type { Node, Value } from '../../onnx/ir.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';
import { affineAs } from './code-types.ts';
import { FIXED, isNumber, type Role, roleOf } from './roles.ts';
import { activationsOf, isFloat, leavesOf, operandsOf, type Reading, type Trace, type TraceRequest } from './trace.ts';
import { type Unit, unitsOf } from './units.ts';

/** By what a module of the file without integer weights does: it stands in no graph. */
export interface EagerModules {
  readonly stubs: ReadonlyMap<string, Affine>;
  readonly functionals: ReadonlyMap<string, Affine>;
}

export function traceEager(request: TraceRequest, modules: EagerModules): Trace {
  const units = unitsOf(request.graph, leavesOf(request.paths));
  const called = new Set(units.map(({ module }) => module));
  // A Hardswish or a LayerNorm has no integer weights either.
  const functionals = new Map([...modules.functionals].filter(([path]) => !called.has(path)));
  const places = new Map<string, Value>();
  for (;;) {
    const tracer = new EagerTracer(request, { units, modules: { ...modules, functionals }, places });
    for (const unit of units) tracer.follow(unit);
    const found = tracer.stubWanted;
    if (found === null) return tracer.finished();
    places.set(found.stub, found.value);
  }
}

interface Known {
  readonly units: readonly Unit[];
  readonly modules: EagerModules;
  /** Of stubs: what they round. */
  readonly places: ReadonlyMap<string, Value>;
}

class EagerTracer implements Trace {
  readonly units: readonly Unit[];
  readonly unitOf: ReadonlyMap<Node, Unit>;
  readonly rounded = new Map<Value, Affine>();
  readonly moved = new Set<Value>();
  readonly scaled = new Map<Value, Affine>();
  readonly readings = new Map<Value, Reading & { readonly readers: Set<Unit> }>();
  readonly quantized = new Set<Unit>();
  readonly assumed: Unit[] = [];
  readonly unused: readonly string[] = [];
  readonly placed = new Set<string>();
  readonly problems: string[] = [];
  /** A stub whose place was found: everything is followed again with it. */
  stubWanted: { readonly stub: string; readonly value: Value } | null = null;
  readonly #request: TraceRequest;
  readonly #known: Known;
  readonly #entries: ReadonlyMap<Value, Affine>;
  /** Operators that PyTorch computes on codes where it is handed some, and gives another result than on numbers. */
  readonly #tentative: Unit[] = [];

  constructor(request: TraceRequest, known: Known) {
    this.#request = request;
    this.#known = known;
    this.units = known.units;
    this.unitOf = new Map(this.units.flatMap((unit) => unit.nodes.map((node) => [node, unit] as const)));
    this.#entries = new Map([...known.places].map(([stub, value]) => [value, known.modules.stubs.get(stub)!]));
    for (const stub of known.places.keys()) this.placed.add(stub);
  }

  follow(unit: Unit): void {
    const [output] = unit.outputs;
    if (this.stubWanted || !output || !isFloat(output)) return;
    const own = unit.module === null ? undefined : this.#request.modules.get(unit.module);
    if (own) {
      if (activationsOf(unit).every((value) => this.#demand(unit, value))) this.#round(unit, output, own);
      return;
    }
    const [node, ...more] = unit.nodes;
    if (own === null || !node || more.length > 0) return;
    this.#follow[eagerRole(node, unit)](unit, node);
  }

  readonly #follow: Readonly<Record<Role, (unit: Unit, node: Node) => void>> = {
    float: () => {},
    scaled: () => {},
    own: (unit, node) => this.#functional(unit, node),
    joined: (unit, node) => this.#functional(unit, node),
    moved: (unit, { inputs, outputs }) => {
      const affine = this.#codesOf(unit, inputs[0]!);
      if (!affine) return;
      for (const value of outputs) this.#round(unit, value, affine);
      for (const value of outputs) this.moved.add(value);
    },
    'rounded again': (unit, { inputs, outputs }) => {
      const affine = this.#codesOf(unit, inputs[0]!);
      if (affine) this.#attempt(unit, outputs[0]!, affine);
    },
    fixed: (unit, { op, inputs, outputs }) => {
      const fixed = affineAs({ dtype: 'uint8', ...FIXED[op]! }, this.#request.dtype);
      if (this.#codesOf(unit, inputs[0]!)) this.#attempt(unit, outputs[0]!, fixed);
    },
  };

  #attempt(unit: Unit, output: Value, affine: Affine): void {
    this.#tentative.push(unit);
    this.#round(unit, output, affine);
  }

  #round(unit: Unit, value: Value, affine: Affine): void {
    this.rounded.set(value, affine);
    this.quantized.add(unit);
  }

  /** What a unit reads as codes; null where it reads numbers. */
  #codesOf(unit: Unit, value: Value): Affine | null {
    const entry = this.#entries.get(value);
    if (entry) {
      const reading = this.readings.get(value) ?? { affine: entry, readers: new Set<Unit>() };
      reading.readers.add(unit);
      this.readings.set(value, reading);
    }
    return entry ?? this.rounded.get(value) ?? null;
  }

  /** PyTorch fails where such a unit is handed numbers: a stub stands in front. */
  #demand(unit: Unit, value: Value): boolean {
    if (this.#codesOf(unit, value)) return true;
    const from = this.#origin(value);
    const { stubs } = this.#known.modules;
    const open = [...stubs.keys()].filter((stub) => !this.placed.has(stub));
    const near = open.filter((stub) => isWithin(unit.scope, parentOf(stub)));
    const longest = Math.max(...near.map((stub) => parentOf(stub).length));
    const [stub, ...others] = near.filter((path) => parentOf(path).length === longest);
    if (stub === undefined) return false;
    if (others.length > 0)
      this.problems.push(`"${from.name}" may be rounded by ${listed([stub, ...others])}: the file does not say which`);
    else this.stubWanted = { stub, value: from };
    return others.length === 0;
  }

  /** Where rounding gives the same numbers as in front of `value`: operators between only move numbers. */
  #origin(value: Value): Value {
    const { producer } = value;
    const unit = producer && this.unitOf.get(producer);
    if (!unit || unit.nodes.length > 1 || this.#request.modules.has(unit.module ?? '')) return value;
    return eagerRole(producer, unit) === 'moved' ? this.#origin(producer.inputs[0]!) : value;
  }

  /** Sums and products of two tensors of codes exist as functionals only, one of the same module. */
  #functional(unit: Unit, node: Node): void {
    const operands = operandsOf(unit);
    if (!FUNCTIONALS.has(node.op) || operands.length === 0 || unit.inputs.some(isNumber)) return;
    const { functionals } = this.#known.modules;
    const inScope = [...functionals.keys()].filter((path) => parentOf(path) === unit.scope);
    if (inScope.length === 0) return;
    const at = `"${node.name || node.outputs[0]!.name}"`;
    if (inScope.length > 1 || this.placed.has(inScope[0]!)) {
      this.problems.push(
        inScope.length > 1
          ? `${at} may be ${listed(inScope)}: the file does not say which`
          : `"${inScope[0]}" may be ${at} and another operator of its module: the file does not say which`,
      );
      return;
    }
    if (!operands.every((value) => this.#demand(unit, value))) return;
    this.placed.add(inScope[0]!);
    this.#round(unit, node.outputs[0]!, functionals.get(inScope[0]!)!);
  }

  finished(): Trace {
    const reads = (value: Value): Unit[] => [...value.uses].flatMap(({ node }) => this.unitOf.get(node) ?? []);
    const wanted = (value: Value): boolean =>
      reads(value).some((unit) => this.quantized.has(unit) && (!this.#passesOn(unit) || unit.outputs.some(wanted)));
    for (const unit of this.#tentative)
      if (!unit.outputs.some(wanted))
        this.problems.push(
          `"${nameOf(unit)}" is computed on codes, or behind DeQuantStub: the file does not say which`,
        );
    for (const unit of this.units) {
      const [node] = unit.nodes;
      const isOpen = unit.nodes.length === 1 && !this.quantized.has(unit) && ON_BOTH.has(node!.op);
      if (isOpen && node!.inputs.some((value) => value && this.rounded.has(value)))
        this.problems.push(`"${nameOf(unit)}" may be computed on codes or on numbers: the file does not say which`);
    }
    for (const [stub, entry] of this.#known.places) this.problems.push(...this.#alsoFloat(stub, entry));
    return this;
  }

  readonly #passesOn = (unit: Unit): boolean =>
    unit.outputs.some((value) => this.moved.has(value)) || this.#tentative.includes(unit);

  /** Readers of what a stub rounds that are no part of what was quantized: the stub may stand behind them or before. */
  #alsoFloat(stub: string, entry: Value): string[] {
    const { producer } = entry;
    const unit = producer && this.unitOf.get(producer);
    const isOpen = unit?.nodes.length === 1 && !this.quantized.has(unit) && ON_BOTH.has(producer!.op);
    const before = isOpen ? [`"${stub}" stands before or behind "${nameOf(unit)}": the file does not say which`] : [];
    const readers = [...entry.uses].flatMap(({ node }) => this.unitOf.get(node) ?? []);
    const isRaw = this.#request.graph.isOutput(entry) || readers.some((reader) => !this.quantized.has(reader));
    return isRaw ? [...before, `"${entry.name}" is read before "${stub}" or behind it: the file does not say`] : before;
  }
}

/** torch.nn.Upsample and its function are one in eager mode; Softmax of codes is a module of the file. */
const eagerRole = (node: Node, unit: Unit): Role => roleOf(node, { ...unit, module: null });

const FUNCTIONALS: ReadonlySet<string> = new Set(['Add', 'Mul', 'Concat', 'MatMul']);

/** Where PyTorch has kernels for codes and for numbers, which give different results. */
const ON_BOTH: ReadonlySet<string> = new Set([
  ...Object.keys(FIXED),
  ...['Gelu', 'Elu', 'LeakyRelu', 'HardSwish', 'PRelu', 'Clip', 'ReduceMean', 'AveragePool', 'GlobalAveragePool'],
  ...['Resize', 'Concat'],
]);

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('.'), 0));
const isWithin = (scope: string, parent: string): boolean =>
  parent === '' || scope === parent || scope.startsWith(`${parent}.`);
const listed = (paths: readonly string[]): string => paths.map((path) => `"${path}"`).join(' or ');
const nameOf = ({ nodes }: Unit): string => nodes[0]!.name || nodes[0]!.outputs[0]!.name;
