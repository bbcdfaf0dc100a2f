/** Which of the files that were dropped together make one run: a model, and the data that is named after it. */
import { fail } from '../shared/errors.ts';
import { isNamed, MODEL_SUFFIXES } from '../shared/formats/table.ts';
import { requireName } from './names.ts';

/** PyTorch's INT8 model goes with its FP32 model and is none of its own. */
const INT8 = '.int8.pt';

export interface Group {
  readonly model: string;
  /** Names of all its files, the model among them. */
  readonly files: readonly string[];
}

/** Every model a group; data goes to the models it is named after, and to every model when it is named after none. */
export function groupsOf(names: readonly string[]): readonly Group[] {
  const all = [...new Set(names.map(requireName))];
  const models = all.filter((name) => isNamed(name, MODEL_SUFFIXES) && !isNamed(name, [INT8]));
  const alone = models.length === 0 ? all.filter((name) => isNamed(name, MODEL_SUFFIXES)) : models;
  if (alone.length === 0) {
    const hint = `add one of these: ${MODEL_SUFFIXES.join(', ')}`;
    fail('WrongUsage', { problem: 'there is no model among the files', hint });
  }
  const data = all.filter((name) => !alone.includes(name));
  const owners = (name: string): readonly string[] => {
    const own = alone.filter((model) => name.startsWith(`${stemOf(model)}.`));
    // net.a.calibration.npz is of net.a.pt2 and not of net.pt2.
    const longest = Math.max(0, ...own.map((model) => stemOf(model).length));
    return own.length ? own.filter((model) => stemOf(model).length === longest) : alone;
  };
  return alone.map((model) => ({ model, files: [model, ...data.filter((name) => owners(name).includes(model))] }));
}

export const stemOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));
