/** The parts of a plan, sent to a multipart upload: read one after the other, sent a few at a time. */
import { createHash, randomUUID } from 'node:crypto';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { crc32 } from '../shared/bytes/platform.ts';
import type { Range } from '../shared/bytes/ranges.ts';
import type { Scratch } from '../shared/pipeline/workspace/store.ts';
import { buildBridge, removeBridges } from './bridge-object.ts';
import { Lanes } from './lanes.ts';
import {
  copyPart,
  type CopySource,
  type MultipartUpload,
  type NumberedPart,
  type SentPart,
  sendPart,
} from './multipart.ts';
import { joined, partsOf } from './part-stream.ts';
import { crcOf, type KnownCrc } from './record-crc.ts';
import { pinnedOf } from './s3-source.ts';
import type { BridgedPart, PlannedParts, UploadedParts } from './upload-parts.ts';

/** What is uploaded is in memory until it is there; of what is copied only the ends of a bridge are. */
const LANES = { upload: 4, copy: 8 } as const;

export interface Sending {
  readonly upload: MultipartUpload;
  readonly scratch: Scratch | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface SentParts {
  readonly parts: readonly CompletedPart[];
  /** In hexadecimal; null where bytes were copied. */
  readonly sha256: string | null;
  readonly known: readonly KnownCrc[];
}

export async function sendParts(client: S3Client, plan: readonly PlannedParts[], sending: Sending): Promise<SentParts> {
  const sender = new PartSender(client, sending);
  const hash = plan.every(({ kind }) => kind === 'upload') ? createHash('sha256') : null;
  try {
    for (const part of plan) {
      if (part.kind === 'copy') await sender.copy(part.source);
      else if (part.kind === 'bridge') await sender.bridge(part);
      else await sender.upload(part, (bytes) => void hash?.update(bytes));
    }
  } finally {
    await sender.ended();
  }
  sending.signal?.throwIfAborted();
  return { parts: sender.parts, sha256: hash?.digest('hex') ?? null, known: sender.known };
}

class PartSender {
  readonly parts: CompletedPart[] = [];
  readonly known: KnownCrc[] = [];
  readonly #client: S3Client;
  readonly #sending: Sending;
  readonly #lanes = new Lanes(LANES);
  readonly #bridges: string[] = [];
  /** Where in the object the next part begins. */
  #position = 0;

  constructor(client: S3Client, sending: Sending) {
    this.#client = client;
    this.#sending = sending;
  }

  copy(source: ByteSource): Promise<void> {
    const range = this.#next(source.size);
    return this.#send('copy', async (part) => {
      const sent = await copyPart(this.#client, part, sourceRange(source));
      this.#learn(range, sent);
      return sent;
    });
  }

  async upload(planned: UploadedParts, onBytes: (bytes: Uint8Array) => void): Promise<void> {
    const borrowedFrom = this.#position + planned.bytes - planned.borrowed;
    let crc = 0;
    for await (const bytes of partsOf(planned)) {
      const { start } = this.#next(bytes.byteLength);
      onBytes(bytes);
      crc = crc32(bytes.subarray(Math.max(borrowedFrom - start, 0)), crc);
      await this.#send('upload', (part) => sendPart(this.#client, part, bytes));
    }
    if (planned.borrowed) this.known.push({ start: borrowedFrom, end: this.#position, crc });
  }

  async bridge(planned: BridgedPart): Promise<void> {
    const [before, after] = [await joined(planned.before), await joined(planned.after)];
    this.#next(before.byteLength);
    const range = this.#next(planned.source.size);
    this.#next(after.byteLength);
    const { bucket, prefix } = this.#sending.scratch!;
    const key = `${prefix}${randomUUID()}`;
    this.#bridges.push(key);
    await this.#send('copy', async (part) => {
      const source = sourceRange(planned.source);
      const built = await buildBridge(this.#client, { bucket, key }, { before, source, after });
      this.#learn(range, built.copied);
      return copyPart(this.#client, part, built.range);
    });
  }

  /** Waits for everything that was started, and leaves no bridge behind. */
  async ended(): Promise<void> {
    try {
      await this.#lanes.ended();
    } finally {
      if (this.#bridges.length) await removeBridges(this.#client, this.#sending.scratch!.bucket, this.#bridges);
    }
  }

  #next(bytes: number): Range {
    const start = this.#position;
    this.#position += bytes;
    return { start, end: this.#position };
  }

  async #send(lane: keyof typeof LANES, work: (part: NumberedPart) => Promise<SentPart>): Promise<void> {
    const part: CompletedPart & { readonly PartNumber: number } = { PartNumber: this.parts.length + 1 };
    this.parts.push(part);
    const { upload, signal } = this.#sending;
    await this.#lanes.start(lane, async () => {
      Object.assign(part, await work({ ...upload, PartNumber: part.PartNumber }));
    });
    signal?.throwIfAborted();
  }

  #learn(range: Range, { ChecksumCRC32 }: SentPart): void {
    if (ChecksumCRC32 !== undefined) this.known.push({ ...range, crc: crcOf(ChecksumCRC32) });
  }
}

function sourceRange({ origin: { root, start }, size }: ByteSource): CopySource {
  return { object: pinnedOf(root)!, start, end: start + size };
}
