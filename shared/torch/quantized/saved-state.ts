/** The state dict of a file: tensors by module and name, and the list of modules PyTorch keeps beside them. */
import { fail } from '../../errors.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import { type Dict, dictOf, OrderedDict, type PickleValue } from '../pickle-values.ts';
import { SavedTensor } from '../saved-tensor.ts';
import { checkedAffine } from './affine.ts';
import type { Affine } from './quantized-model.ts';

/** What belongs to one module, by the names its class gave them. */
export type Leaves = ReadonlyMap<string, PickleValue>;

export interface SavedState {
  readonly file: string;
  readonly modules: ReadonlyMap<string, Leaves>;
  /** Version of each module's class, for every module; null where the file does not list them. */
  readonly versions: ReadonlyMap<string, number | null> | null;
  /** Neural Compressor's own record, where it lies in the file. */
  readonly configure: PickleValue;
}

/** Checkpoints of training scripts keep the state dict under one of these. */
const NESTED = ['state_dict', 'model_state_dict', 'model'];
const CONFIGURE = 'best_configure';

export function savedState(saved: PickleValue, file: string): SavedState {
  const outer = dictOf(saved) ?? refuseNoState(file);
  const dict = NESTED.map((key) => dictOf(outer.get(key))).find((inner) => inner !== null) ?? outer;
  const modules = new Map<string, Map<string, PickleValue>>();
  for (const [key, value] of dict) {
    if (typeof key !== 'string') return refuseNoState(file);
    if (key === CONFIGURE || isPlainData(value)) continue;
    const { module, leaf } = placeOf(key);
    const leaves = modules.get(module) ?? new Map<string, PickleValue>();
    modules.set(module, leaves.set(leaf, value));
  }
  return { file, modules, versions: versionsOf(dict), configure: dict.get(CONFIGURE) ?? outer.get(CONFIGURE) ?? null };
}

const refuseNoState = (file: string): never =>
  fail('UnsupportedFormat', {
    file,
    found: 'a torch.save file without a state dict',
    hint: 'save the weights of the INT8 model: torch.save(model.state_dict(), "model.int8.pt")',
  });

/** Epochs and names beside a state dict. */
const isPlainData = (value: PickleValue): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';

/** Parts of one quantized module that PyTorch keeps in modules of their own. */
const PARTS = /(?:^|\.)(_packed_params\.\w+|_all_weight_values\.\d+\.param|[^.]+)$/;

function placeOf(key: string): { module: string; leaf: string } {
  const [whole, leaf] = PARTS.exec(key) ?? [key, key];
  return { module: key.slice(0, key.length - whole.length), leaf: leaf! };
}

export const nameOf = (module: string, leaf: string): string => (module ? `${module}.${leaf}` : leaf);

export const isPart = (path: string): boolean => /(?:^|\.)(?:_packed_params|_all_weight_values(?:\.\d+)?)$/.test(path);

function versionsOf(dict: Dict): ReadonlyMap<string, number | null> | null {
  const attributes = dict instanceof OrderedDict ? dictOf(dict.attributes) : null;
  const metadata = dictOf(attributes?.get('_metadata'));
  if (!metadata) return null;
  return new Map(
    [...metadata].flatMap(([path, facts]) => {
      const version = dictOf(facts)?.get('version');
      return typeof path === 'string' ? [[path, typeof version === 'number' ? version : null] as const] : [];
    }),
  );
}

/** The only number of a tensor; null for tensors of more. */
async function numberOf(value: PickleValue | undefined, name: string): Promise<number | null> {
  if (!(value instanceof SavedTensor) || value.quantizer || value.shape.some((size) => size !== 1)) return null;
  const data = value.plain(name);
  return decodeNumbers(data.dtype, await data.read())[0] ?? null;
}

export interface ScalarsAt {
  readonly file: string;
  readonly name: string;
  readonly scale: PickleValue | undefined;
  readonly zeroPoint: PickleValue | undefined;
}

/** A pair of scalars; null where it is none. Files do not name the dtype: PyTorch's kernels take uint8 activations. */
export async function scalarsIn({ file, name, scale, zeroPoint }: ScalarsAt): Promise<Affine | null> {
  const s = await numberOf(scale, name);
  const z = await numberOf(zeroPoint, name);
  return s === null || z === null ? null : checkedAffine(file, name, { dtype: 'uint8', scale: s, zeroPoint: z });
}
