/** Damaged inputs by the thousand, seeded: how each ends, how long it takes and how much memory it needs. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { randomFrom } from '../../shared/runtime/random-inputs.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { type Mutation, MUTATIONS } from './mutations.ts';
import { type Intact, SUBJECT_NAMES, SUBJECTS, type SubjectName } from './subjects.ts';

export interface Question {
  readonly subject: SubjectName;
  readonly path: string;
  readonly files: Intact;
}

export interface Answer {
  readonly kind: 'read' | 'refused' | 'untyped';
  /** Hash of what came of it, code of the failure, or stack. */
  readonly text: string;
  readonly seconds: number;
  /** At most, of the process. */
  readonly megabytes: number;
}

export const LIMITS = { seconds: 2, megabytes: 400 } as const;

/** Endings; all but the first two are faults. */
export const ENDINGS = ['right', 'refused', 'differs', 'untyped', 'crash', 'hang', 'slow', 'large'] as const;
export type Ending = (typeof ENDINGS)[number];

export interface Case {
  readonly subject: SubjectName;
  readonly mutation: Mutation;
  readonly seed: number;
  readonly ending: Ending;
  /** Why. */
  readonly text: string;
}

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
  readonly subjects?: readonly SubjectName[];
  /** Folder in which inputs that end in a fault are kept. */
  readonly keep?: string;
  readonly onCase?: (found: Case) => void;
}

/** Seconds on the clock after which a process is ended. */
const HANG = 20;

/** Subjects and kinds take turns; the same seed makes the same inputs. */
export async function fuzz({ count, seed, keep, onCase, ...options }: FuzzOptions): Promise<Case[]> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-fuzz-'));
  const files: Intact = { onnx: join(folder, 'intact.onnx'), folder };
  const child = freshChildren();
  // All under one name, which converted files repeat.
  const give = (subject: SubjectName, bytes: Buffer): Promise<Ended> => {
    const path = join(folder, `input${SUBJECTS[subject].suffix}`);
    writeFileSync(path, bytes);
    return child.ask({ subject, path, files });
  };
  try {
    await convertExample(files.onnx);
    const turns = turnsOf(options.subjects ?? SUBJECT_NAMES);
    const intact = new Map<SubjectName, string>();
    for (const subject of options.subjects ?? SUBJECT_NAMES)
      intact.set(subject, (await give(subject, readFileSync(SUBJECTS[subject].intact(files)))).text);
    const cases: Case[] = [];
    for (let i = 0; i < count; i++) {
      const { subject, mutation } = turns[i % turns.length]!;
      const bytes = readFileSync(SUBJECTS[subject].intact(files));
      const damaged = await MUTATIONS[mutation].mutate(bytes, randomFrom(seed + i));
      const answer = await give(subject, damaged);
      const found = { subject, mutation, seed: seed + i, ...endingOf(answer, mutation, intact.get(subject)!) };
      if (keep !== undefined && !isFine(found))
        writeFileSync(join(keep, `${found.seed}-${found.ending}${SUBJECTS[subject].suffix}`), damaged);
      cases.push(found);
      onCase?.(found);
    }
    return cases;
  } finally {
    child.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const isFine = ({ ending }: Pick<Case, 'ending'>): boolean => ending === 'right' || ending === 'refused';

const turnsOf = (subjects: readonly SubjectName[]): Pick<Case, 'subject' | 'mutation'>[] =>
  subjects.flatMap((subject) => SUBJECTS[subject].mutations.map((mutation) => ({ subject, mutation })));

type Ended = Answer | { readonly kind: 'crash' | 'hang'; readonly text: string };

function endingOf(answer: Ended, mutation: Mutation, intact: string): Pick<Case, 'ending' | 'text'> {
  if (!('seconds' in answer)) return { ending: answer.kind, text: answer.text };
  const { kind, text, seconds, megabytes } = answer;
  if (kind === 'untyped') return { ending: kind, text };
  if (kind === 'read' && MUTATIONS[mutation].keepsContent && text !== '' && text !== intact)
    return { ending: 'differs', text };
  if (seconds > LIMITS.seconds) return { ending: 'slow', text: `${seconds.toFixed(1)} s, ${text}` };
  if (megabytes > LIMITS.megabytes) return { ending: 'large', text: `${megabytes.toFixed(0)} MB, ${text}` };
  return { ending: kind === 'read' ? 'right' : kind, text };
}

interface Children {
  ask(question: Question): Promise<Ended>;
  end(): void;
}

/** One process at a time; a new one after a crash, a hang, and where memory would hide that of the next input. */
function freshChildren(): Children {
  let child: ChildProcess | null = null;
  const end = (): void => {
    child?.removeAllListeners();
    child?.kill('SIGKILL');
    child = null;
  };
  return {
    end,
    ask: (question) =>
      new Promise((resolve) => {
        child ??= fork(join(import.meta.dirname, 'child.ts'), {
          execArgv: [],
          stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        });
        const timer = setTimeout(() => done({ kind: 'hang', text: `more than ${HANG} s` }), HANG * 1000);
        const done = (answer: Ended): void => {
          clearTimeout(timer);
          child?.removeAllListeners();
          if (!('megabytes' in answer) || answer.megabytes > LIMITS.megabytes) end();
          resolve(answer);
        };
        child.once('message', (message) => done(message as Answer));
        child.once('exit', (code, by) => done({ kind: 'crash', text: `process ended with ${by ?? `code ${code}`}` }));
        child.send(question);
      }),
  };
}

async function convertExample(path: string): Promise<void> {
  const source = fileSource(join(import.meta.dirname, '../../examples/digits/digits_cnn.pt2'));
  try {
    await convertFile({ source, path, options: {}, weights: 'embed' });
  } finally {
    source.close();
  }
}
