/**
 * Where the bytes of every initializer go: into the .onnx, into a file beside it, or nowhere because they lie in the
 * source file already.
 */
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Weights } from '../../choices.ts';
import type { Value } from '../ir.ts';
import { sourceRuns, startOf } from './source-runs.ts';

export type Place =
  | { readonly kind: 'embed' }
  | {
      readonly kind: 'pack';
      readonly offset: number;
      /** Copied together with its neighbours in the source: `first` begins after zeros, `next` after what is there. */
      readonly run: 'first' | 'next' | null;
    }
  | { readonly kind: 'link'; readonly location: string; readonly offset: number };

/** Smaller tensors always stay in the .onnx: shape inference reads shape constants there. */
const EMBED_BELOW = 1024;
/** Tensors from this size on start on a boundary that every operating system can map. */
const ALIGN_FROM = 1 << 20;
const ALIGNMENT = 1 << 16;
const SMALL_ALIGNMENT = 64;
/** Nobody can parse a protobuf message of 2 GiB; the margin is for everything that is not a weight. */
const LARGEST_PROTO = 2 ** 31 - (1 << 20);

type PackPlace = Extract<Place, { kind: 'pack' }>;

export interface Placement {
  readonly places: ReadonlyMap<Value, Place>;
  /** Initializers in the order of their offsets in the data file. */
  readonly packed: readonly Value[];
}

interface PlaceRequest {
  readonly weights: Weights;
  readonly initializers: Iterable<Value>;
  /** Bytes of the .onnx without initializers. */
  readonly otherBytes: number;
  /** The file name under which stored bytes of a value can be reached from the .onnx, or null. */
  locationOf(value: Value): string | null;
  /** Whether ranges of a source can be copied into the data file without reading them. */
  copies(root: ByteSource): boolean;
}

export function place({ weights, initializers, otherBytes, locationOf, copies }: PlaceRequest): Placement {
  const values = [...initializers];
  const places = new Map<Value, Place>(
    values.map((value) => [value, linked(value, weights, locationOf) ?? { kind: 'embed' }]),
  );
  const embedded = values.filter((value) => places.get(value)!.kind === 'embed');
  const tooLarge = otherBytes + embedded.reduce((sum, value) => sum + value.data!.byteLength + 256, 0) > LARGEST_PROTO;
  if (weights !== 'pack' && !tooLarge) return { places, packed: [] };
  const packable = embedded.filter((value) => value.data!.byteLength >= EMBED_BELOW);
  let end = 0;
  const set = (value: Value, { offset, run }: Omit<PackPlace, 'kind'>): void => {
    places.set(value, { kind: 'pack', offset, run });
    end = offset + value.data!.byteLength;
  };
  const runs = sourceRuns(packable, copies);
  for (const run of runs) {
    const base = aligned(end, SMALL_ALIGNMENT) - startOf(run[0]!);
    for (const [i, value] of run.entries())
      set(value, { offset: base + startOf(value), run: i === 0 ? 'first' : 'next' });
  }
  const inRuns = new Set(runs.flat());
  const others = packable.filter((value) => !inRuns.has(value));
  // Small ones first, so that the padding of large ones does not tear them apart.
  const ordered = [...others.filter((value) => !isAligned(value)), ...others.filter(isAligned)];
  for (const value of ordered)
    set(value, { offset: aligned(end, isAligned(value) ? ALIGNMENT : SMALL_ALIGNMENT), run: null });
  return { places, packed: [...runs.flat(), ...ordered] };
}

const aligned = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment;

const isAligned = (value: Value): boolean => value.data!.byteLength >= ALIGN_FROM;

function linked(value: Value, weights: Weights, locationOf: PlaceRequest['locationOf']): Place | null {
  const { stored, byteLength } = value.data!;
  if (weights !== 'link' || !stored || byteLength < EMBED_BELOW) return null;
  const location = locationOf(value);
  return location === null ? null : { kind: 'link', location, offset: stored.origin.start };
}
