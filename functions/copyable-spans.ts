/** Pieces in their order, those that lie behind each other in an object as one range of it. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import type { Piece } from '../shared/bytes/destination.ts';

export interface Span {
  /** The pieces as one range that can be copied, without what checks them; null: they must be read. */
  readonly source: ByteSource | null;
  readonly pieces: readonly Piece[];
}

type Copies = (root: ByteSource) => boolean;

export function copyableSpans(pieces: readonly Piece[], copies: Copies): Span[] {
  const found: Span[] = [];
  for (const piece of pieces) {
    if (piece.byteLength === 0) continue;
    const source = copyable(piece, copies);
    const last = found.at(-1);
    if (!last?.source || !source || !follows(last.source, source)) {
      found.push({ source: source && bare(source, source.size), pieces: [piece] });
      continue;
    }
    found[found.length - 1] = {
      source: bare(last.source, last.source.size + source.size),
      pieces: [...last.pieces, piece],
    };
  }
  return found;
}

function copyable({ stored, mustRead }: Piece, copies: Copies): ByteSource | null {
  return stored && !mustRead && copies(stored.origin.root) ? stored : null;
}

const bare = ({ origin: { root, start } }: ByteSource, size: number): ByteSource => root.slice(start, start + size);

const follows = (a: ByteSource, b: ByteSource): boolean =>
  a.origin.root === b.origin.root && a.origin.start + a.size === b.origin.start;
