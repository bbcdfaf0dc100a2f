/** What a row of the table of formats says, and what it sees of a file. */
import type { ByteSource } from '../bytes/byte-source.ts';
import type { RecordSet } from '../torch/records.ts';
import type { TorchProgram } from '../torch/program.ts';

/** A file, looked at once for all rows. */
export interface Candidate {
  readonly source: ByteSource;
  /** The first bytes of a file that is no zip archive; empty for one that is. */
  readonly head: Uint8Array;
  /** What a zip archive holds. */
  readonly records: RecordSet | null;
  /** What torch.save left in `data.pkl`; read when the first row asks. */
  saved(): Promise<Saved>;
}

/** The object of a torch.save archive, as far as it tells formats apart. */
export interface Saved {
  /** Distinct tensors, however deep they lie. */
  readonly tensors: number;
  /** Those of them that are codes. */
  readonly quantized: number;
  /** Class of a pickled object that is no container of anything known. */
  readonly className: string | null;
  /** Keys of a dictionary. */
  readonly keys: ReadonlySet<string>;
}

export interface FileKind {
  /** A short name for tables and JSON. */
  readonly format: string;
  /** Follows "the file is ...". */
  readonly found: string;
  /** What to do where this is not what was wanted. */
  readonly hint: string;
}

interface Row {
  readonly name: string;
  /** Endings of file names: folders are searched for them, and an upload of such a name starts a job. */
  readonly suffixes?: readonly string[];
  /** As in FileKind. */
  readonly found: string | ((file: Candidate) => Promise<string>);
  readonly hint: string;
  matches(file: Candidate): boolean | Promise<boolean>;
}

/** Found, with everything refused that can be without reading it. */
export interface Readable<T> {
  read(): Promise<T>;
}

/** A program that PyTorch wrote. `format` is the row's name, for the program to carry. */
export interface ProgramFormat extends Row {
  readonly kind: 'program';
  find(file: Candidate, format: string): Promise<Readable<TorchProgram>>;
}

/** A model that needs no conversion. It is opened by its path, because its weights may lie beside it. */
export interface OnnxFormat extends Row {
  readonly kind: 'onnx';
}

/** What PyTorch quantized, without a graph: it goes with the FP32 model it was made from, and is none by itself. */
export interface QuantizedFormat extends Row {
  readonly kind: 'quantized';
}

/** Nothing here can use it. */
export interface RefusedFormat extends Row {
  readonly kind: 'refused';
}

export type Format = ProgramFormat | OnnxFormat | QuantizedFormat | RefusedFormat;
export type FormatKind = Format['kind'];
