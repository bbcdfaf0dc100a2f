/** What a file will hold, piece by piece, and where in it each weight begins. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { memoryPiece, type Piece, sourcePiece } from '../../bytes/destination.ts';
import type { TensorData } from '../../tensor/data.ts';
import { type PlacedData, readOnCopy } from './whole-records.ts';

export interface FileContent {
  readonly pieces: readonly (Piece | TensorData)[];
  readonly placed: readonly PlacedData[];
}

export class ContentBuilder implements FileContent {
  readonly pieces: (Piece | TensorData)[] = [];
  readonly placed: PlacedData[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(bytes: Uint8Array): void {
    this.#add(memoryPiece(bytes));
  }

  source(source: ByteSource): void {
    this.#add(sourcePiece(source));
  }

  /** `inRun`: between bytes of its source; elsewhere what is in memory is not fetched again. */
  data(data: TensorData, { inRun = false } = {}): void {
    this.placed.push({ data, offset: this.#length });
    this.#add(data.memory && !inRun ? memoryPiece(data.memory) : data);
  }

  #add(piece: Piece | TensorData): void {
    this.pieces.push(piece);
    this.#length += piece.byteLength;
  }
}

/** The pieces, with those that must be read marked. */
export function piecesOf({ pieces, placed }: FileContent): readonly Piece[] {
  const mustRead: ReadonlySet<unknown> = readOnCopy(placed);
  return pieces.map((piece) =>
    mustRead.has(piece)
      ? { byteLength: piece.byteLength, stored: piece.stored, mustRead: true, read: () => piece.read() }
      : piece,
  );
}
