/**
 * Follows the numbers through a graph as FX graph mode did when it quantized it: which tensors it rounded, and to what.
 */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { roleOf } from './roles.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';
import { moduleOf } from './scope.ts';
import { type Unit, unitsOf } from './units.ts';

export interface TraceRequest {
  readonly graph: Graph;
  /** Every module path the file names. */
  readonly paths: readonly string[];
  /** Modules whose output PyTorch rounds, with what it rounds to; null: integer weights, float output. */
  readonly modules: ReadonlyMap<string, Affine | null>;
  /** Numbers of the graph module by the stem of their names: `block1_scale_3` is `block1`, 3. */
  readonly values: ReadonlyMap<string, Affine>;
}

export interface Trace {
  readonly units: readonly Unit[];
  /** Tensors that are rounded once computed: whoever reads them reads the rounded ones. */
  readonly rounded: ReadonlyMap<Value, Affine>;
  /** Of those, the ones that only move or pick codes of their input. */
  readonly moved: ReadonlySet<Value>;
  /** Products of codes and a number: codes of the input, another scale. */
  readonly scaled: ReadonlyMap<Value, { readonly source: Value; readonly affine: Affine }>;
  /** Tensors that single units read rounded. */
  readonly readings: ReadonlyMap<Value, { readonly affine: Affine; readonly readers: ReadonlySet<Unit> }>;
  /** Units PyTorch computed on codes. */
  readonly quantized: ReadonlySet<Unit>;
  /** Names in the file that found no place in the graph. */
  readonly unused: readonly string[];
}

export function traceRounding({ graph, paths, modules, values }: TraceRequest): Trace {
  const units = unitsOf(graph, leavesOf(paths));
  const rounded = new Map<Value, Affine>();
  const moved = new Set<Value>();
  const scaled = new Map<Value, { source: Value; affine: Affine }>();
  const readings = new Map<Value, { affine: Affine; readers: Set<Unit> }>();
  const quantized = new Set<Unit>();
  const unitOf = new Map<Node, Unit>(units.flatMap((unit) => unit.nodes.map((node) => [node, unit] as const)));
  const names = new Names(values);

  const isFloat = (value: Value): boolean => {
    const dtype = value.type?.dtype ?? constantOf(value)?.dtype ?? null;
    return dtype === null || dtype === 'float32';
  };
  const stemFor = (value: Value, reader: Unit): string => {
    if (graph.inputs.includes(value)) return `${reader.scope}_input`;
    if (!value.producer || constantOf(value)) return moduleNamed(value.name) ?? reader.scope;
    return unitOf.get(value.producer)?.scope ?? moduleOf(value.producer) ?? '';
  };
  /** Scale and zero point with which the unit reads a tensor nobody rounded yet, or null where the file has none. */
  const readAll = (unit: Unit, inputs: readonly Value[]): boolean => {
    const before = names.mark();
    const found = new Map<Value, Affine>();
    for (const value of inputs) {
      if (rounded.has(value) || scaled.has(value) || readings.has(value)) continue;
      const affine = names.take(stemFor(value, unit));
      if (!affine) {
        names.reset(before);
        return false;
      }
      found.set(value, affine);
    }
    for (const value of inputs) {
      if (rounded.has(value) || scaled.has(value)) continue;
      const reading = readings.get(value) ?? { affine: found.get(value)!, readers: new Set<Unit>() };
      reading.readers.add(unit);
      readings.set(value, reading);
    }
    return true;
  };

  for (const unit of units) {
    const [output] = unit.outputs;
    if (!output || !isFloat(output)) continue;
    const ofModule = unit.module === null ? undefined : modules.get(unit.module);
    if (ofModule) {
      const inputs = unit.inputs.filter((value) => !constantOf(value) && isFloat(value));
      if (!readAll(unit, inputs)) continue;
      names.skip(unit.scope);
      rounded.set(output, ofModule);
      quantized.add(unit);
      continue;
    }
    const [node] = unit.nodes;
    if (ofModule === null || unit.nodes.length !== 1 || !node) continue;
    const inputs = unit.inputs.filter((value) => isFloat(value) && !isNumber(value));
    const role = roleOf(node);
    const source = node.inputs[0]!;
    if (role === 'own') {
      const before = names.mark();
      if (!readAll(unit, inputs)) continue;
      const affine = names.take(unit.scope);
      if (!affine) {
        names.reset(before);
        for (const value of inputs) forget(readings, value, unit);
        continue;
      }
      rounded.set(output, affine);
      quantized.add(unit);
    } else if (role === 'scaled') {
      const [value] = inputs;
      const affine = value && (rounded.get(value) ?? scaled.get(value)?.affine);
      if (!value || !affine) continue;
      names.skip(unit.scope);
      const factor = numberOf(unit.inputs.find(isNumber)!);
      if (factor === null || factor <= 0) continue;
      scaled.set(output, { source: value, affine: { ...affine, scale: affine.scale * factor } });
      quantized.add(unit);
    } else if (role === 'moved' || role === 'averaged') {
      const affine = rounded.get(source);
      if (!affine) continue;
      names.skip(unit.scope);
      for (const value of node.outputs) rounded.set(value, affine);
      if (role === 'moved') for (const value of node.outputs) moved.add(value);
      quantized.add(unit);
    }
  }
  return { units, rounded, moved, scaled, readings, quantized, unused: names.unused() };
}

function forget(readings: Map<Value, { affine: Affine; readers: Set<Unit> }>, value: Value, unit: Unit): void {
  const reading = readings.get(value);
  if (!reading?.readers.delete(unit)) return;
  if (reading.readers.size === 0) readings.delete(value);
}

/** Modules that hold no others: FX calls them as a whole. */
function leavesOf(paths: readonly string[]): Set<string> {
  const modules = paths.filter((path) => path !== '' && !path.split('.').at(-1)!.startsWith('_packed_params'));
  const parents = new Set(modules.map((path) => path.slice(0, Math.max(path.lastIndexOf('.'), 0))));
  return new Set(modules.filter((path) => !parents.has(path)));
}

const isNumber = (value: Value): boolean => constantOf(value)?.shape.every((d) => d === 1) ?? false;

function numberOf(value: Value): number | null {
  const data = constantOf(value);
  if (!data?.memory || data.dtype !== 'float32') return null;
  return new DataView(data.memory.buffer, data.memory.byteOffset).getFloat32(0, true);
}

/** The module a parameter belongs to, by its name: `block1.pos` is in `block1`. */
const moduleNamed = (name: string): string | null =>
  /^[A-Za-z_][\w.]*$/.test(name) ? name.slice(0, Math.max(name.lastIndexOf('.'), 0)) : null;

/**
 * Numbers of the graph module, in the order in which FX made them: a counter for each stem, which also counts the ones
 * that
 * were folded into the operators and left no trace.
 */
class Names {
  readonly #values: ReadonlyMap<string, Affine>;
  #next = new Map<string, number>();
  #used = new Set<string>();
  constructor(values: ReadonlyMap<string, Affine>) {
    this.#values = values;
  }
  /** The next one of this stem, or null where the file has none of that number. */
  take(module: string): Affine | null {
    const name = this.#count(module);
    const affine = this.#values.get(name) ?? null;
    if (affine) this.#used.add(name);
    return affine;
  }
  skip(module: string): void {
    this.#count(module);
  }
  #count(module: string): string {
    const stem = `${module.replaceAll('.', '_')}_scale_`;
    const number = this.#next.get(stem) ?? 0;
    this.#next.set(stem, number + 1);
    return `${stem}${number}`;
  }
  mark(): readonly [Map<string, number>, Set<string>] {
    return [new Map(this.#next), new Set(this.#used)];
  }
  reset([next, used]: readonly [Map<string, number>, Set<string>]): void {
    this.#next = new Map(next);
    this.#used = new Set(used);
  }
  unused(): string[] {
    return [...this.#values.keys()].filter((name) => !this.#used.has(name));
  }
}
