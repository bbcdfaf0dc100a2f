/**
 * Follows the numbers through a graph as FX graph mode did when it quantized it: which tensors it rounded, and to what.
 */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';
import { affineAs, type ActivationDtype } from './code-types.ts';
import { Names } from './names.ts';
import { FIXED, isNumber, readsFloat, type Role, roleOf } from './roles.ts';
import { moduleOf } from './scope.ts';
import { type Unit, unitsOf } from './units.ts';

export interface TraceRequest {
  readonly graph: Graph;
  /** Every module path the file names. */
  readonly paths: readonly string[];
  /** Modules whose output PyTorch rounds, with what it rounds to; null: integer weights, float output. */
  readonly modules: ReadonlyMap<string, Affine | null>;
  /** Numbers of the graph module by their names. */
  readonly values: ReadonlyMap<string, Affine>;
  /** Of the codes that are written. */
  readonly dtype: ActivationDtype;
}

/** What one unit reads rounded, though others may read it as it is. */
export interface Reading {
  readonly affine: Affine;
  readonly readers: ReadonlySet<Unit>;
}

export interface Trace {
  readonly units: readonly Unit[];
  readonly unitOf: ReadonlyMap<Node, Unit>;
  /** Tensors that are rounded once computed: whoever reads them reads the rounded ones. */
  readonly rounded: ReadonlyMap<Value, Affine>;
  /** Of those, the ones that only move or pick codes of their input. */
  readonly moved: ReadonlySet<Value>;
  /** Products of codes and a number: codes of the input, another scale. */
  readonly scaled: ReadonlyMap<Value, Affine>;
  readonly readings: ReadonlyMap<Value, Reading>;
  /** Units PyTorch computed on codes. */
  readonly quantized: ReadonlySet<Unit>;
  /** Results rounded to a scale the file does not have, because it is the same in every model. */
  readonly assumed: readonly Unit[];
  /** Names in the file that found no place in the graph. */
  readonly unused: readonly string[];
  /** Modules of the file that stand in no graph and have their place: stubs, functionals. */
  readonly placed: ReadonlySet<string>;
  /** What several places fit. */
  readonly problems: readonly string[];
}

export function traceRounding(request: TraceRequest): Trace {
  const tracer = new Tracer(request);
  for (const unit of tracer.units) tracer.follow(unit);
  return tracer;
}

class Tracer implements Trace {
  readonly units: readonly Unit[];
  readonly unitOf: ReadonlyMap<Node, Unit>;
  readonly rounded = new Map<Value, Affine>();
  readonly moved = new Set<Value>();
  readonly scaled = new Map<Value, Affine>();
  readonly readings = new Map<Value, Reading & { readonly readers: Set<Unit> }>();
  readonly quantized = new Set<Unit>();
  readonly assumed: Unit[] = [];
  readonly placed: ReadonlySet<string> = new Set();
  readonly problems: readonly string[] = [];
  readonly #request: TraceRequest;
  readonly #names: Names;

  constructor(request: TraceRequest) {
    this.#request = request;
    this.#names = new Names(request.values);
    this.units = unitsOf(request.graph, leavesOf(request.paths));
    this.unitOf = new Map(this.units.flatMap((unit) => unit.nodes.map((node) => [node, unit] as const)));
  }

  get unused(): readonly string[] {
    return this.#names.unused();
  }

  follow(unit: Unit): void {
    const [output] = unit.outputs;
    if (!output || !isFloat(output)) return;
    const ofModule = unit.module === null ? undefined : this.#request.modules.get(unit.module);
    if (ofModule === null) return;
    if (ofModule) {
      if (!this.#read(unit, activationsOf(unit))) return;
      this.#names.skip(unit.scope);
      this.#round(unit, [output], ofModule);
      return;
    }
    const [node, ...more] = unit.nodes;
    if (node && more.length === 0) this.#follow[roleOf(node, unit)](unit, node);
  }

  readonly #follow: Readonly<Record<Role, (unit: Unit, node: Node) => void>> = {
    float: () => {},
    own: (unit) => {
      const output = unit.outputs[0]!;
      this.#names.attempt(() => {
        if (!this.#read(unit, operandsOf(unit))) return false;
        const affine = this.#names.take(unit.scope);
        if (affine) this.#round(unit, [output], affine);
        else this.#forget(unit);
        return affine !== null;
      });
    },
    joined: (unit, node) => {
      this.#names.attempt(() => {
        const parts = operandsOf(unit);
        if (!this.#read(unit, parts)) return false;
        const [first, ...others] = parts.map((part) => this.#readAs(part));
        const isOne = first !== undefined && others.every((affine) => affine && sameAffine(affine, first));
        const affine = this.#names.take(unit.scope) ?? (isOne ? first : null);
        if (!affine) this.#forget(unit);
        else if (isOne && sameAffine(affine, first)) this.#keep(unit, node, affine);
        else this.#round(unit, node.outputs, affine);
        return affine !== null;
      });
    },
    fixed: (unit, node) => {
      const affine = affineAs({ dtype: 'uint8', ...FIXED[node.op]! }, this.#request.dtype);
      this.#passOn(unit, node, () => {
        this.assumed.push(unit);
        this.#round(unit, node.outputs, affine);
      });
    },
    moved: (unit, node) => this.#passOn(unit, node, (affine) => this.#keep(unit, node, affine)),
    'rounded again': (unit, node) => this.#passOn(unit, node, (affine) => this.#round(unit, node.outputs, affine)),
    scaled: (unit) => {
      const [value] = operandsOf(unit);
      const affine = value && (this.rounded.get(value) ?? this.scaled.get(value));
      if (!affine) return;
      this.#names.skip(unit.scope);
      const factor = numberOf(unit.inputs.find(isNumber)!);
      // PyTorch turns the codes of a negative factor over: the reader finds no scale, and the model is refused.
      if (factor === null || factor <= 0) return;
      this.scaled.set(unit.outputs[0]!, { ...affine, scale: affine.scale * factor });
      this.quantized.add(unit);
    },
  };

  /**
   * Reads codes, a float tensor rounded as for any other operator, and gives codes whose scale is in no name. A scale
   * of its own says that FX computed it in floating point: it knows `torch.flatten`, not `x.flatten`.
   */
  #passOn(unit: Unit, node: Node, write: (affine: Affine) => void): void {
    const [value] = node.inputs as [Value];
    this.#names.attempt(() => {
      if (!this.rounded.has(value) && !(readsFloat(node) && this.#read(unit, [value]))) return false;
      const affine = this.rounded.get(value) ?? this.readings.get(value)?.affine;
      const isQuantized = affine !== undefined && this.#names.take(unit.scope) === null;
      if (isQuantized) write(affine);
      else this.#forget(unit);
      return isQuantized;
    });
  }

  #round(unit: Unit, values: readonly Value[], affine: Affine): void {
    for (const value of values) this.rounded.set(value, affine);
    this.quantized.add(unit);
  }

  #keep(unit: Unit, { outputs }: Node, affine: Affine): void {
    this.#round(unit, outputs, affine);
    for (const value of outputs) this.moved.add(value);
  }

  /** Reads codes of all of these; false where the file has no scale for one that nobody rounded yet. */
  #read(unit: Unit, values: readonly Value[]): boolean {
    const open = values.filter((value) => !this.rounded.has(value) && !this.scaled.has(value));
    const found = new Map<Value, Affine>();
    const isComplete = this.#names.attempt(() =>
      open.every((value) => {
        const affine = this.readings.get(value)?.affine ?? this.#names.takeOf(this.#stemsFor(value, unit));
        if (affine) found.set(value, affine);
        return affine !== null;
      }),
    );
    if (!isComplete) return false;
    for (const [value, affine] of found) {
      const reading = this.readings.get(value) ?? { affine, readers: new Set<Unit>() };
      reading.readers.add(unit);
      this.readings.set(value, reading);
    }
    return true;
  }

  #readAs(value: Value): Affine | undefined {
    return this.rounded.get(value) ?? this.scaled.get(value) ?? this.readings.get(value)?.affine;
  }

  #forget(unit: Unit): void {
    for (const [value, { readers }] of this.readings)
      if (readers.delete(unit) && readers.size === 0) this.readings.delete(value);
  }

  /**
   * Under which names FX keeps the scale of a tensor that is rounded for its reader: the reader's, as input, for what
   * enters the model and for what an operator left in float on purpose (`fallback`) computes; else that of its maker.
   */
  #stemsFor(value: Value, reader: Unit): string[] {
    const asInput = `${reader.scope}_input`;
    if (this.#request.graph.inputs.includes(value)) return [asInput];
    if (!value.producer || constantOf(value)) return [moduleNamed(value.name) ?? reader.scope];
    return [this.unitOf.get(value.producer)?.scope ?? moduleOf(value.producer) ?? '', asInput];
  }
}

/** Modules that hold no others: FX calls them as a whole. */
export function leavesOf(paths: readonly string[]): Set<string> {
  const modules = paths.filter((path) => path !== '' && !path.split('.').at(-1)!.startsWith('_packed_params'));
  const parents = new Set(modules.map((path) => path.slice(0, Math.max(path.lastIndexOf('.'), 0))));
  return new Set(modules.filter((path) => !parents.has(path)));
}

/** A type nobody knows counts as float: integers are told by the operators that make them. */
export const isFloat = ({ type }: Value): boolean => type === null || type.dtype === 'float32';

/** What a module computes on: its parameters are constants. */
export const activationsOf = ({ inputs }: Unit): Value[] =>
  inputs.filter((value) => !constantOf(value) && isFloat(value));
/** What an operator computes on: parameters too, numbers not. */
export const operandsOf = ({ inputs }: Unit): Value[] => inputs.filter((value) => isFloat(value) && !isNumber(value));

const sameAffine = (a: Affine, b: Affine): boolean => a.scale === b.scale && a.zeroPoint === b.zeroPoint;

function numberOf(value: Value): number | null {
  const data = constantOf(value);
  return data?.memory && data.dtype === 'float32' ? decodeNumbers('float32', data.memory)[0]! : null;
}

/** The module a parameter belongs to, by its name: `block1.pos` is in `block1`. */
const moduleNamed = (name: string): string | null =>
  /^[A-Za-z_][\w.]*$/.test(name) ? name.slice(0, Math.max(name.lastIndexOf('.'), 0)) : null;
