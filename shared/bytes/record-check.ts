/**
 * Records that were copied without being read, held against their CRC-32 by whoever first reads the file they went
 * into.
 */
import { fail } from '../errors.ts';
import { crc32 } from './platform.ts';
import type { Range } from './ranges.ts';

/** Where in a file the bytes of one record of an archive lie, in the record's order and the file's. */
export interface RecordCheck {
  readonly record: string;
  readonly crc: number;
  readonly ranges: readonly Range[];
}

/** Takes a file from its start to its end; refuses with CorruptArchive, naming `source`, the archive. */
export class RecordChecker {
  readonly #source: string;
  readonly #due: { readonly range: Range; readonly state: State }[];
  #next = 0;
  #position = 0;

  constructor(source: string, checks: readonly RecordCheck[]) {
    this.#source = source;
    this.#due = checks
      .flatMap((check) => {
        const state: State = { check, crc: 0, left: check.ranges.reduce((n, { start, end }) => n + end - start, 0) };
        return check.ranges.map((range) => ({ range, state }));
      })
      .sort((a, b) => a.range.start - b.range.start);
  }

  take(bytes: Uint8Array): void {
    const from = this.#position;
    const to = from + bytes.byteLength;
    for (; this.#next < this.#due.length; this.#next++) {
      const { range, state } = this.#due[this.#next]!;
      if (range.start >= to) break;
      const part = bytes.subarray(Math.max(range.start - from, 0), Math.min(range.end, to) - from);
      state.crc = crc32(part, state.crc);
      state.left -= part.byteLength;
      if (state.left === 0) this.#compare(state);
      if (range.end > to) break;
    }
    this.#position = to;
  }

  /** Whether the file held everything that was to be checked. */
  finish(): void {
    const [missing] = this.#due.slice(this.#next);
    if (!missing) return;
    const reason = `record "${missing.state.check.record}" ends before its last byte`;
    fail('CorruptArchive', { file: this.#source, reason });
  }

  #compare({ check, crc }: State): void {
    if (crc !== check.crc) refuseDamaged(this.#source, { record: check.record, recorded: check.crc, found: crc });
  }
}

export interface Damage {
  readonly record: string;
  /** CRC-32 as the archive has it, and of the bytes that are there. */
  readonly recorded: number;
  readonly found: number;
}

export function refuseDamaged(file: string, { record, recorded, found }: Damage): never {
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
  const reason = `record "${record}" is damaged: its CRC-32 is ${hex(found)}, the archive recorded ${hex(recorded)}`;
  return fail('CorruptArchive', { file, reason });
}

interface State {
  readonly check: RecordCheck;
  crc: number;
  left: number;
}
