/**
 * Storages of PyTorch, and the tensors that are windows on them: lazy, checked, and one object for the same numbers.
 */
import type { ByteSource } from '../bytes/byte-source.ts';
import { readRanges } from '../bytes/ranges.ts';
import { fail } from '../errors.ts';
import { derivedData, memoryData, storedData, type TensorData } from '../tensor/data.ts';
import { byteLength, type Dtype } from '../tensor/dtype.ts';
import { gather, isContiguous, reach, type Window } from '../tensor/strided.ts';
import { elementCount } from '../tensor/type.ts';

export const WEIGHT_LIMITS = {
  /** Tensors up to this many bytes are read when a file is opened, so that later stages can fold them. */
  inMemory: 2048,
  /** Bytes of a tensor that is larger than its storage (an expanded one). */
  expanded: 1024 ** 3,
  rank: 64,
} as const;

export interface StoragePlace {
  /** For messages: the model file. */
  readonly file: string;
  readonly source: ByteSource;
  /** The bytes lie as they are in the model file: external data may point there. */
  readonly isLinkable: boolean;
  /** The contents, when they are small and were read already. */
  readonly memory: Uint8Array | null;
}

export class Storage {
  readonly place: StoragePlace;
  readonly #views = new Map<string, TensorData>();

  constructor(place: StoragePlace) {
    this.place = place;
  }

  get size(): number {
    return this.place.source.size;
  }

  /** The tensor that a window shows. `what` names it in messages. */
  view(what: string, dtype: Dtype, window: Window): TensorData {
    this.#check(what, dtype, window);
    const isPlain = isContiguous(window);
    const shape = window.shape.join(',');
    const key = [dtype, shape, window.offset, isPlain ? '' : window.strides.join(',')].join(';');
    const known = this.#views.get(key);
    if (known) return known;
    const data = isPlain ? this.#plain(dtype, window) : this.#strided(dtype, window);
    this.#views.set(key, data);
    return data;
  }

  #check(what: string, dtype: Dtype, window: Window): void {
    const { shape, strides, offset } = window;
    const refuse = (reason: string): never =>
      fail('CorruptModel', { file: this.place.file, where: `weight "${what}"`, reason });
    if (shape.length !== strides.length || shape.length > WEIGHT_LIMITS.rank)
      refuse(`${shape.length} sizes and ${strides.length} strides do not fit`);
    if ([...shape, ...strides, offset].some((n) => !Number.isSafeInteger(n) || n < 0))
      refuse('a size, stride or offset is negative or impossible');
    const itemSize = byteLength(dtype, 1);
    const needed = reach(window) * BigInt(itemSize);
    if (needed > 0n && this.size === 0) {
      fail('NoWeights', {
        file: this.place.file,
        reason: `the record of "${what}" is empty although it holds ${shape.join(' x ')} elements`,
      });
    }
    if (needed > BigInt(this.size))
      refuse(`${dtype}[${shape.join(',')}] needs ${needed} bytes, its storage has ${this.size}`);
    const bytes = shape.reduce((n, size) => n * BigInt(size), BigInt(itemSize));
    if (needed > 0n && bytes > BigInt(Math.max(this.size, WEIGHT_LIMITS.expanded))) {
      fail('LimitExceeded', {
        file: this.place.file,
        what: `the size of weight "${what}" in bytes`,
        found: String(bytes),
        limit: WEIGHT_LIMITS.expanded,
      });
    }
  }

  #plain(dtype: Dtype, { shape, offset }: Window): TensorData {
    const start = elementCount(shape) === 0 ? 0 : byteLength(dtype, offset);
    const end = start + byteLength(dtype, elementCount(shape));
    const { memory, source, isLinkable } = this.place;
    // Tied weights under two shapes are still the same numbers.
    const identity = this.#identity(`${dtype};${start};${end}`);
    const slice = source.slice(start, end);
    const stored = { ...storedData(dtype, shape, slice), identity };
    const lazy = isLinkable ? stored : { ...stored, stored: null };
    return memory ? inMemory(lazy, memory.subarray(start, end)) : lazy;
  }

  #strided(dtype: Dtype, window: Window): TensorData {
    const { shape, strides, offset } = window;
    const { memory, source } = this.place;
    const itemSize = byteLength(dtype, 1);
    const end = Number(reach(window)) * itemSize;
    const start = offset * itemSize;
    const bytes = end - start;
    const base = memory
      ? memoryData('uint8', [bytes], memory.subarray(start, end))
      : storedData('uint8', [bytes], source.slice(start, end));
    const copy = (storage: Uint8Array): Uint8Array => gather(storage, itemSize, { shape, strides, offset: 0 });
    const data = derivedData({ dtype, shape }, [base], copy);
    return memory ? inMemory(data, copy(base.memory!)) : data;
  }

  readonly #identities = new Map<string, object>();
  #identity(key: string): object {
    const known = this.#identities.get(key) ?? {};
    this.#identities.set(key, known);
    return known;
  }
}

const inMemory = (data: TensorData, bytes: Uint8Array): TensorData => ({
  ...data,
  memory: bytes,
  read: () => Promise.resolve(bytes),
});

/** Read the small ones of many tensors in few reads; the others, and every identity, stay as they are. */
export async function withSmallInMemory(weights: ReadonlyMap<string, TensorData>): Promise<Map<string, TensorData>> {
  const small = [...new Set(weights.values())].filter(
    (data) => data.memory === null && data.byteLength <= WEIGHT_LIMITS.inMemory,
  );
  const stored = small.filter((data) => data.stored !== null);
  const loaded = new Map<TensorData, TensorData>();
  const root = stored[0]?.stored?.origin.root;
  if (root) {
    for (const data of stored) await data.stored!.verify?.();
    const bytes = await readRanges(
      root,
      stored.map(({ stored: source }) => ({ start: source!.origin.start, end: source!.origin.start + source!.size })),
    );
    stored.forEach((data, i) => loaded.set(data, inMemory(data, bytes[i]!)));
  }
  for (const data of small) if (!loaded.has(data)) loaded.set(data, inMemory(data, await data.read()));
  return new Map([...weights].map(([key, data]) => [key, loaded.get(data) ?? data]));
}
