/** Zip archives that hold no torch.export program, and what to say of them. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import type { RecordSet } from './exported/archive.ts';
import { EXPORT_HINT, type FileKind } from './magic.ts';
import { isNeverAllowed } from './pickle.ts';
import { dictOf, OpaqueObject, type PickleValue } from './pickle-values.ts';
import { SavedTensor } from './saved-tensor.ts';
import { readTorchSave } from './state-dict.ts';

type Describe = (records: RecordSet, source: ByteSource) => Promise<FileKind> | FileKind;

const kind =
  (format: string, found: string, hint = EXPORT_HINT): Describe =>
  () => ({ format, found, hint });
const has =
  (...names: readonly string[]) =>
  (records: RecordSet): boolean =>
    names.every((name) => records.get(name) !== null);
const folder =
  (name: string) =>
  (records: RecordSet): boolean =>
    records.under(name).length > 0;

/** First match wins. */
const KINDS: readonly (readonly [matches: (records: RecordSet) => boolean, describe: Describe])[] = [
  [
    folder('data/aotinductor/'),
    kind('AOTInductor package', 'a package compiled by AOTInductor: machine code without a graph'),
  ],
  [folder('data/executorch/'), kind('ExecuTorch package', 'an ExecuTorch package without a graph')],
  [
    has('.data/extern_modules'),
    kind('torch.package', 'a torch.package archive: Python code and pickles, without a graph'),
  ],
  [has('data.pkl', 'constants.pkl'), kind('TorchScript', 'a TorchScript archive, which cannot be converted yet')],
  [
    has('data.pkl', 'bytecode.pkl'),
    kind('TorchScript', 'a TorchScript archive for mobile devices, which cannot be converted yet'),
  ],
  [has('data.pkl'), describeSaved],
  [has('model.json'), kind('TorchScript', 'a TorchScript archive of torch 1.0 to 1.3, which cannot be converted yet')],
  [has('archive_format'), kind('PT2 archive', 'a PT2 archive without a program')],
  [
    has('MAR-INF/MANIFEST.json'),
    kind('TorchServe archive', 'a TorchServe archive', 'unpack it and upload the model file inside'),
  ],
  [
    ({ zip }) => zip.entries.length > 0 && zip.entries.every(({ name }) => name.endsWith('.npy')),
    kind('npz', 'a NumPy archive of arrays', 'upload the model; arrays serve as calibration data'),
  ],
];

export async function kindOfZip(records: RecordSet): Promise<FileKind> {
  const row = KINDS.find(([matches]) => matches(records));
  return row
    ? await row[1](records, records.source)
    : { format: 'zip', found: 'a zip archive without a PyTorch program', hint: EXPORT_HINT };
}

const LOAD_HINT =
  'load it into its model in Python and export that: torch.export.save(torch.export.export(model, args), "model.pt2")';

/** A checkpoint: weights, or a pickled module. Its pickle is read with closed boxes in place of what is not allowed. */
async function describeSaved(_records: RecordSet, source: ByteSource): Promise<FileKind> {
  const onUnknownCall = (name: string): void => {
    if (isNeverAllowed(name)) fail('UnsafePickle', { file: source.name, global: name.slice(0, 200) });
  };
  const value = await readTorchSave(source, { onUnknownCall });
  if (value instanceof OpaqueObject && value.entries.size === 0) {
    return {
      format: 'torch.save module',
      found: `a pickled object of the Python class ${value.className.slice(0, 200)}, not a graph`,
      hint: EXPORT_HINT,
    };
  }
  const count = countTensors(value);
  if (dictOf(value)?.has('best_configure')) {
    return {
      format: 'Neural Compressor model',
      found: `a quantized checkpoint of Intel Neural Compressor (${count} tensors): it holds weights without a graph`,
      hint: 'give the ONNX or .pt2 of the float model with it',
    };
  }
  return count > 0
    ? {
        format: 'torch.save checkpoint',
        found: `a checkpoint of ${count} tensors: it holds weights without a graph`,
        hint: LOAD_HINT,
      }
    : { format: 'torch.save data', found: 'a torch.save file without tensors', hint: EXPORT_HINT };
}

const COUNT_LIMIT = 1_000_000;

/** Each object once: pickles may share and even contain themselves. */
function countTensors(root: PickleValue): number {
  const seen = new Set<PickleValue>();
  const waiting = [root];
  let count = 0;
  while (waiting.length > 0 && seen.size < COUNT_LIMIT) {
    const value = waiting.pop()!;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof SavedTensor) count++;
    else if (value instanceof Map) for (const item of value.values()) waiting.push(item);
    else if (Array.isArray(value)) for (const item of value) waiting.push(item);
    else if ('items' in value && Array.isArray(value.items))
      for (const item of value.items as readonly PickleValue[]) waiting.push(item);
    if (value instanceof OpaqueObject) waiting.push(value.state, value.entries);
  }
  return count;
}
