/** `TensorQuantOverrides` of onnxruntime's tool: codes of single tensors, chosen by hand. */
import { QUANT_TYPES, type QuantType } from '../choices.ts';
import { fail } from '../errors.ts';
import { CODES } from '../tensor/qparams.ts';
import type { Graph } from '../onnx/ir.ts';
import type { Range } from './formulas.ts';
import { type Plan, plansOf } from './plan.ts';
import { type CodeSpec, ENDS, reduced } from './recipe.ts';
import { unknown } from './which-nodes.ts';

/** By the tool's names. What is left out is as for any other tensor. */
export interface TensorOverride {
  readonly quant_type?: QuantType;
  readonly symmetric?: boolean;
  readonly reduce_range?: boolean;
  readonly rmin?: number;
  readonly rmax?: number;
  /** With a zero point, and then without anything that says how to find them. */
  readonly scale?: number;
  readonly zero_point?: number;
  /** Of a constant: one scale for each index of it. */
  readonly axis?: number;
}

/** By tensor: one for all of it, or one for each index of the axis that the first names. */
export type TensorQuantOverrides = Readonly<Record<string, readonly TensorOverride[]>>;

/** What replaces something that is computed. */
export type Given =
  | { readonly kind: 'parameters'; readonly scale: number; readonly zeroPoint: number }
  | { readonly kind: 'range'; readonly min: number | undefined; readonly max: number | undefined };

/** An override as the plan of a tensor takes it. */
export interface Override {
  readonly spec: CodeSpec;
  /** null: one scale for all. */
  readonly axis: number | null;
  /** None, one for all, or one for each index of the axis. */
  readonly given: readonly Given[];
}

/** Refuses an override that contradicts itself. */
export function overrideOf(name: string, overrides: readonly TensorOverride[], base: Codes): Override {
  const [first] = overrides;
  if (!first) return refuse(name, 'at least one override');
  const { axis = null } = first;
  if (axis === null && overrides.length > 1) refuse(name, 'an axis, where there are several');
  for (const each of overrides) {
    if ((each.scale === undefined) !== (each.zero_point === undefined)) refuse(name, 'scale and zero_point together');
    const rules = [each.symmetric, each.reduce_range, each.rmin, each.rmax];
    if (each.scale !== undefined && rules.some((rule) => rule !== undefined))
      refuse(name, 'scale and zero_point, or how to find them (symmetric, reduce_range, rmin, rmax)');
    if (each.scale !== undefined && !(each.scale > 0)) refuse(name, 'a scale that is larger than 0');
    if (!sameCodes(each, first)) refuse(name, 'the same quant_type, symmetric and reduce_range for each index');
  }
  const spec = specOf(first, base);
  const { low, high } = CODES[spec.dtype];
  for (const { zero_point: zero = low } of overrides)
    if (!(Number.isInteger(zero) && zero >= low && zero <= high)) refuse(name, `a zero_point from ${low} to ${high}`);
  const given = overrides.map(givenBy);
  return { spec, axis, given: given.some(saysSomething) ? given : [] };
}

/** How a tensor of this kind is quantized where nothing is overridden. */
export interface Codes {
  readonly kind: keyof typeof ENDS;
  readonly spec: CodeSpec;
}

const sameCodes = (a: TensorOverride, b: TensorOverride): boolean =>
  a.quant_type === b.quant_type && a.symmetric === b.symmetric && a.reduce_range === b.reduce_range;

function specOf(
  { quant_type: type, symmetric, reduce_range: isReduced }: TensorOverride,
  { kind, spec }: Codes,
): CodeSpec {
  if (type === undefined && symmetric === undefined && isReduced === undefined) return spec;
  const dtype = type === undefined ? spec.dtype : QUANT_TYPES[type].dtype;
  const isSymmetric = symmetric ?? spec.symmetric;
  const full = { ...spec, dtype, symmetric: isSymmetric, ...ENDS[kind]({ dtype, symmetric: isSymmetric }) };
  return isReduced ? { ...full, ...reduced(full) } : full;
}

const givenBy = ({ scale, zero_point: zeroPoint, rmin, rmax }: TensorOverride): Given =>
  scale !== undefined && zeroPoint !== undefined
    ? { kind: 'parameters', scale, zeroPoint }
    : { kind: 'range', min: rmin, max: rmax };

const saysSomething = (given: Given): boolean =>
  given.kind === 'parameters' || given.min !== undefined || given.max !== undefined;

/** Refuses the name of a tensor that does not exist. */
export function requireTensors(graph: Graph, overrides: TensorQuantOverrides): void {
  const known = [...graph.inputs, ...graph.initializers, ...[...graph.nodes].flatMap(({ outputs }) => outputs)];
  const names = new Set(known.map(({ name }) => name));
  for (const name of Object.keys(overrides))
    if (!names.has(name)) unknown('extra_options.TensorQuantOverrides', name, { what: 'a tensor', known: names });
}

/** What to warn of: tensors that exist and are not quantized. */
export function idleOverrides(plan: Plan, overrides: TensorQuantOverrides): string[] {
  const quantized = new Set(plansOf(plan).map(({ value }) => value.name));
  const idle = Object.keys(overrides).filter((name) => !quantized.has(name));
  return idle.map((name) => `TensorQuantOverrides has no effect on "${name}", which stays in float`);
}

/** Fails with BadOption. */
export const refuse = (tensor: string, expected: string): never =>
  fail('BadOption', { option: 'extra_options.TensorQuantOverrides', value: tensor, expected });

/** A range with what is given of it. */
export const rangeGiven = ({ min, max }: Range, given: Extract<Given, { kind: 'range' }>): Range => ({
  min: given.min ?? min,
  max: given.max ?? max,
});
