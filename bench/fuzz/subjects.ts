/** What damaged files are given to: the steps behind the commands, over files that are right but for the damage. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileSource, fileSource } from '../../shared/bytes/file-source.ts';
import { parseJob } from '../../shared/pipeline/job/parse-job.ts';
import { resolveJob } from '../../shared/pipeline/job/job.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { quantizeFile } from '../../shared/steps/quantize-file.ts';
import { validateFile } from '../../shared/steps/validate-file.ts';
import type { Mutation } from './mutations.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/digits/digits_cnn');

/** Files that are right. */
export interface Intact {
  readonly onnx: string;
  /** A folder to write in. */
  readonly folder: string;
}

export interface Subject {
  readonly suffix: string;
  readonly intact: (files: Intact) => string;
  readonly mutations: readonly Mutation[];
  /** Reads it as a command does; the hash of what came of it, null where damage may rightly change that. */
  readonly read: (path: string, files: Intact) => Promise<string | null>;
}

export const SUBJECTS = {
  '.pt2, convert': {
    suffix: '.pt2',
    intact: () => `${EXAMPLE}.pt2`,
    mutations: ['bit flips', 'truncation', 'zip directory', 'JSON field', 'pickle', 'huge sizes'],
    read: (file, { folder }) =>
      withFile(file, async (source) => {
        const path = join(folder, 'converted.onnx');
        const { program } = await convertFile({ source, path, options: {}, weights: 'embed' });
        await program.sampleInputs(() => {});
        return hashOf(path);
      }),
  },
  'calibration .npz, quantize': {
    suffix: '.npz',
    intact: () => `${EXAMPLE}.calibration.npz`,
    mutations: ['bit flips', 'truncation', 'zip directory', 'pickle', 'huge sizes'],
    read: (file, { onnx, folder }) =>
      withFile(file, async (source) => {
        const path = join(folder, 'quantized.onnx');
        const data = { source, name: 'calibration.npz' };
        await quantizeFile({ ...INT8, approach: 'static', model: onnx, path, workFolder: folder, calibration: data });
        return hashOf(path);
      }),
  },
  'reference .npz, validate': {
    suffix: '.npz',
    intact: () => `${EXAMPLE}.reference.npz`,
    mutations: ['bit flips', 'truncation', 'zip directory', 'pickle', 'huge sizes'],
    read: (file, { onnx }) =>
      withFile(file, async (reference) => {
        const { comparisons } = await validateFile({ model: onnx, reference, now });
        return createHash('sha256').update(JSON.stringify(comparisons)).digest('hex');
      }),
  },
  'job .json': {
    suffix: '.json',
    intact: () => `${EXAMPLE}.job.json`,
    mutations: ['bit flips', 'truncation', 'JSON field', 'huge sizes'],
    read: (file) => {
      resolveJob('job.json', parseJob('job.json', readFileSync(file, 'utf8')));
      return Promise.resolve(null);
    },
  },
  '.onnx, quantize': {
    suffix: '.onnx',
    intact: ({ onnx }) => onnx,
    mutations: ['bit flips', 'truncation', 'protobuf', 'huge sizes'],
    read: async (model, { folder }) => {
      await quantizeFile({ ...INT8, approach: 'dynamic', model, path: join(folder, 'q.onnx'), workFolder: folder });
      return null;
    },
  },
  '.onnx, validate': {
    suffix: '.onnx',
    intact: ({ onnx }) => onnx,
    mutations: ['bit flips', 'truncation', 'protobuf', 'huge sizes'],
    read: async (model) => {
      await validateFile({ model, now });
      return null;
    },
  },
} as const satisfies Record<string, Subject>;
export type SubjectName = keyof typeof SUBJECTS;
export const SUBJECT_NAMES = Object.keys(SUBJECTS) as readonly SubjectName[];

const now = (): number => performance.now();
const INT8 = { format: 'QDQ', weights: 'embed' } as const;

async function withFile<T>(path: string, work: (source: FileSource) => Promise<T>): Promise<T> {
  const source = fileSource(path);
  try {
    return await work(source);
  } finally {
    source.close();
  }
}

/** Without the hash of the source, which differs when anything does. */
const hashOf = (path: string): string =>
  createHash('sha256')
    .update(readFileSync(path, 'latin1').replace(/(?<=torchferry\.source_sha256.{2,4})[0-9a-f]{64}/s, ''), 'latin1')
    .digest('hex');
