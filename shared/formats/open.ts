/** Opens a model file, whatever it is called: what is inside, or a clear word on what the file is instead. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import type { TorchProgram } from '../torch/program.ts';
import type { FileKind, Format, Readable } from './format.ts';
import { look } from './look.ts';
import { FORMATS } from './table.ts';

/** What is behind the door. Nothing but what tells formats apart has been read. */
export type Opened = FileKind &
  (({ readonly kind: 'program' } & Readable<TorchProgram>) | { readonly kind: 'onnx' } | WithoutGraph);

/** What is no model by itself. */
interface WithoutGraph extends FileKind {
  readonly kind: 'quantized' | 'refused';
}

/** What can be worked with, by what is inside. */
export type Content = Exclude<Opened['kind'], WithoutGraph['kind']>;

export const isWithoutGraph = (opened: Opened): opened is WithoutGraph =>
  opened.kind === 'quantized' || opened.kind === 'refused';

export async function open(source: ByteSource, formats: readonly Format[] = FORMATS): Promise<Opened> {
  const file = await look(source);
  for (const row of formats) {
    if (!(await row.matches(file))) continue;
    const { name: format, hint, kind } = row;
    const found = typeof row.found === 'string' ? row.found : await row.found(file);
    if (kind !== 'program') return { kind, format, found, hint };
    const { read } = await row.find(file, format);
    return { kind, format, found, hint, read };
  }
  throw new Error('the last row of the table of formats takes every file');
}

/** What a file is, by its content. */
export async function identify(source: ByteSource, formats?: readonly Format[]): Promise<FileKind> {
  const { format, found, hint } = await open(source, formats);
  return { format, found, hint };
}

/** The program of a file. Its weights stay where they are until they are read. */
export async function openProgram(source: ByteSource, formats?: readonly Format[]): Promise<TorchProgram> {
  const opened = await open(source, formats);
  return opened.kind === 'program' ? opened.read() : refuse(source, opened);
}

/** Fails with what the file is, where it is not what was wanted. */
export const refuse = ({ name: file }: ByteSource, { found, hint }: FileKind): never =>
  fail('UnsupportedFormat', { file, found, hint });
