/**
 * Conformance corpora: programs written by PyTorch with inputs and the outputs PyTorch computed. One row of
 * `index.jsonl` a case.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface CaseTensor {
  readonly name: string;
  readonly dtype: string;
  /** null: no tensor (a number, None, a string). */
  readonly shape: readonly number[] | null;
  readonly value?: unknown;
}

export interface CaseData {
  readonly npz: string;
  readonly inputs: readonly CaseTensor[];
  readonly outputs: readonly CaseTensor[];
}

export interface Case extends CaseData {
  readonly name: string;
  readonly file: string | null;
  readonly rtol: number;
  readonly atol: number;
  readonly deterministic?: boolean;
  readonly more?: readonly CaseData[];
  readonly expect?: 'reject';
  readonly error?: string;
  readonly extra_sample?: boolean;
  /** What torch.onnx does with the same file: `ok`, or `<stage>: error`. */
  readonly torch_onnx?: string;
}

/** Second data sets are written as rows, or as the name of a file with the first one's inputs and outputs. */
type WrittenCase = Omit<Case, 'more'> & { readonly more?: readonly (CaseData | string)[] };

const caseOf = ({ more, ...row }: WrittenCase): Case => ({
  ...row,
  ...(more && { more: more.map((data) => (typeof data === 'string' ? { ...row, npz: data } : data)) }),
});

export interface Corpus {
  readonly name: string;
  readonly folder: string;
  readonly cases: readonly Case[];
}

export function openCorpus(folder: string): Corpus | null {
  const index = join(folder, 'index.jsonl');
  if (!existsSync(index)) return null;
  const cases = readFileSync(index, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => caseOf(JSON.parse(line) as WrittenCase));
  return { name: basename(folder), folder, cases };
}
