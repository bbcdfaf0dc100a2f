/** The plan that reads nothing it can copy: few bytes between two ranges are bridged, with the end of the one before. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Piece, sizeOf } from '../shared/bytes/destination.ts';
import type { Span } from './copyable-spans.ts';
import { type BridgedPart, copied, LEAST_PART, type PlannedParts, uploaded } from './upload-parts.ts';

interface BridgeOptions {
  readonly partBytes: number;
  /** Smaller ranges are read; 5 MiB and more. */
  readonly least: number;
}

type Joined = Exclude<PlannedParts, { kind: 'upload' }>;

export function bridged(spans: readonly Span[], { partBytes, least }: BridgeOptions): PlannedParts[] {
  const plan: PlannedParts[] = [];
  let pending: Piece[] = [];
  /** The range that was met last, or the bridge that it is whole. */
  let last: Joined | null = null;
  const close = (): void => {
    if (last) plan.push(...(last.kind === 'copy' ? copied(last.source, partBytes) : [last]));
    if (pending.length) plan.push(uploaded(pending, { partBytes }));
    [last, pending] = [null, []];
  };
  for (const { source, pieces } of spans) {
    if (!source || source.size < least) {
      pending.push(...pieces);
      continue;
    }
    const waiting = sizeOf(pending);
    if (waiting === 0 || waiting >= LEAST_PART) {
      close();
      last = { kind: 'copy', source };
    } else if (last) {
      const { ahead, bridge }: Bridged = bridgeAfter(last, pending);
      plan.push(...(ahead ? copied(ahead, partBytes) : []), bridge);
      last = { kind: 'copy', source };
    } else {
      const [head, rest] = headOf(source);
      const bridge: BridgedPart = { kind: 'bridge', before: pending, source: head, after: [] };
      if (rest) plan.push(bridge);
      last = rest ? { kind: 'copy', source: rest } : bridge;
    }
    pending = [];
  }
  close();
  return plan;
}

interface Bridged {
  /** What is copied as it is; null: the range is bridged whole. */
  readonly ahead: ByteSource | null;
  readonly bridge: BridgedPart;
}

function bridgeAfter(last: Joined, after: readonly Piece[]): Bridged {
  if (last.kind === 'bridge') return { ahead: null, bridge: { ...last, after } };
  const { size } = last.source;
  const at = size - LEAST_PART < LEAST_PART ? 0 : size - LEAST_PART;
  return {
    ahead: at ? last.source.slice(0, at) : null,
    bridge: { kind: 'bridge', before: [], source: last.source.slice(at, size), after },
  };
}

/** As much of a range as a part needs, and what is left where that is a part too. */
const headOf = (source: ByteSource): readonly [ByteSource, ByteSource | null] =>
  source.size - LEAST_PART < LEAST_PART
    ? [source, null]
    : [source.slice(0, LEAST_PART), source.slice(LEAST_PART, source.size)];
