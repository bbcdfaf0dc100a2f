/** What calibration data say of a model: ranges of tensors, and batches to compare layers on. */
import { fail } from '../errors.ts';
import type { Model } from '../onnx/ir.ts';
import type { Quantization } from '../report/quantization.ts';
import type { Batch } from '../runtime/samples.ts';
import type { MemoryTensors } from '../runtime/session.ts';
import { calibrate, type Ranges } from './calibrate.ts';
import { observerOf } from './observers/by-tool-options.ts';
import { OBSERVERS } from './observers/index.ts';
import { type Plan, type PlanOf, plansOfKind } from './plan.ts';
import type { QuantizeRequest } from './quantize.ts';

/** Tensors that a warning names. */
const NAMED = 4;

/**
 * Batches the layers are compared on, and of how many calibration batches one of them may be: it runs both models, so
 * that comparing costs a small part of what calibration does.
 */
const LAYER_BATCHES = 4;
const CALIBRATION_SHARE = 8;

export interface Look {
  readonly ranges: Ranges;
  /** For the comparison of layers. */
  readonly recorded: readonly MemoryTensors[];
  readonly calibration: Quantization['calibration'];
}

/** What calibration data says of the tensors of a plan; where none is observed, only the first batches are read. */
export async function lookAt(model: Model, plan: Plan, request: QuantizeRequest): Promise<Look> {
  const { knownRanges } = request;
  const tensors = plansOfKind(plan, 'observed');
  const known: Ranges = knownRanges?.of(tensors.map(({ value }) => value)) ?? new Map();
  const unknown = tensors.filter(({ value }) => !known.has(value));
  if (unknown.length === 0) {
    const recorded = request.layerErrors === 'skip' ? [] : await firstBatches(request.calibration);
    return { ranges: known, recorded, calibration: tensors.length ? (knownRanges?.calibration ?? null) : null };
  }
  const look = await observe(model, unknown, request);
  knownRanges?.keep(look.ranges, look.calibration);
  return { ...look, ranges: new Map([...known, ...look.ranges]) };
}

async function observe(model: Model, tensors: readonly PlanOf<'observed'>[], request: QuantizeRequest): Promise<Look> {
  const file = request.calibrationFile ?? 'calibration data';
  const { calibration } = request;
  if (!calibration)
    return fail('BadCalibrationData', {
      file,
      problem: 'there is none',
      expected: 'sample inputs, which static quantization needs to see the ranges of activations',
    });
  const { name, options, shaped } = observerOf(request);
  const observer = OBSERVERS[name];
  const seen = { batches: [] as MemoryTensors[], count: 0, samples: 0, isWhole: false };
  const { ranges: found, chosen } = await calibrate({
    model,
    watched: tensors.map(({ value, spec }) => ({
      tensor: value,
      watch: observer.watch(spec, options),
    })),
    rounds: observer.rounds,
    batches: { [Symbol.asyncIterator]: () => watched(calibration, seen) },
    file,
    workFolder: request.workFolder,
  });
  const ranges = new Map([...found].map(([tensor, range]) => [tensor, shaped(range)]));
  const recorded = seen.batches.slice(0, Math.ceil(seen.count / CALIBRATION_SHARE));
  const shares = [...chosen].map(([each, tensors]) => `${tensors} by ${each}`);
  const method = shares.length ? `${name} (${shares.join(', ')})` : name;
  return { ranges, recorded, calibration: { method, samples: seen.samples, file } };
}

/** An observer sees the same of a tensor that is 0 as of one that is never used: a scale that fits nothing else. */
export function silentTensors({ ranges, calibration }: Look): string[] {
  const silent = [...ranges].flatMap(([{ name }, { min, max }]) => (min === 0 && max === 0 ? [`"${name}"`] : []));
  if (silent.length === 0) return [];
  const first = silent.slice(0, NAMED).join(', ') + (silent.length > NAMED ? ` and ${silent.length - NAMED} more` : '');
  return [`nothing but 0 is in ${first}, for all of ${calibration!.file}: their scales fit no other numbers`];
}

async function firstBatches(batches: AsyncIterable<Batch> | undefined): Promise<MemoryTensors[]> {
  const recorded: MemoryTensors[] = [];
  if (batches) for await (const { feeds } of batches) if (recorded.push(feeds) === LAYER_BATCHES) break;
  return recorded;
}

/** What is known of the data after it was read once. */
interface Seen {
  readonly batches: MemoryTensors[];
  count: number;
  samples: number;
  isWhole: boolean;
}

/** Passes batches on; the first time it counts their samples and keeps the first few for the comparison of layers. */
async function* watched(batches: AsyncIterable<Batch>, seen: Seen): AsyncGenerator<MemoryTensors> {
  const isNew = !seen.isWhole;
  for await (const { feeds, samples } of batches) {
    if (isNew && seen.batches.length < LAYER_BATCHES) seen.batches.push(feeds);
    if (isNew) seen.count++;
    if (isNew) seen.samples += samples;
    yield feeds;
  }
  seen.isWhole = true;
}
