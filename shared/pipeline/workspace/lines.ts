/** The lines of a text, read piece by piece: a list of a million models need not fit into memory. */
import type { ByteSource } from '../../bytes/byte-source.ts';

export interface Line {
  /** From 1. */
  readonly line: number;
  /** Without its end. */
  readonly text: string;
}

const PIECE = 8 << 20;

/** UTF-8, with or without a byte order mark; lines end in `\n` or `\r\n`. */
export async function* linesOf(source: ByteSource): AsyncGenerator<Line> {
  // Drops the byte order mark, and keeps a character whose bytes lie in two pieces.
  const decoder = new TextDecoder();
  let rest = '';
  let line = 0;
  for (let start = 0; start < source.size; start += PIECE) {
    const bytes = await source.slice(start, Math.min(start + PIECE, source.size)).read();
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const text of lines) yield { line: ++line, text: text.replace(/\r$/, '') };
  }
  rest += decoder.decode();
  if (rest !== '') yield { line: ++line, text: rest };
}
