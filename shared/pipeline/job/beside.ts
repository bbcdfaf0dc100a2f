/** Names of files beside the model: relative, inside its folder or below. */
import type { Check } from './json-reader.ts';
import { shown } from './json-reader.ts';
import { folderOf } from '../workspace/store.ts';

const problemOf = (value: unknown): string | null => {
  if (typeof value !== 'string' || value === '') return `${shown(value)} is not the name of a file`;
  if (/^[a-z][a-z0-9+.-]*:/i.test(value) || /^[/\\]/.test(value)) return `${shown(value)} is absolute`;
  if (value.split(/[/\\]/).includes('..')) return `${shown(value)} leaves the folder of the model`;
  if (value.includes('\0') || value.endsWith('/')) return `${shown(value)} is not the name of a file`;
  return null;
};

export const besideKey: Check<string> = {
  expected: 'the name of a file beside the model',
  schema: { type: 'string', minLength: 1 },
  read(value, path, problems) {
    const problem = problemOf(value);
    if (problem === null) return (value as string).replace(/^(\.\/)+/, '');
    problems.push({ path, problem, hint: 'name a file in the folder of the model, such as "calibration.npz"' });
    return undefined;
  },
};

export const keyBeside = (modelKey: string, name: string): string => folderOf(modelKey) + name;
