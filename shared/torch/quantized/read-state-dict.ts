/** Reads what PyTorch quantized out of a state dict, Neural Compressor's best_model.pt or a plain one. Runs nothing. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fail } from '../../errors.ts';
import type { TensorData } from '../../tensor/data.ts';
import { SavedTensor } from '../saved-tensor.ts';
import type { PickleValue } from '../pickle-values.ts';
import { readTorchSave } from '../state-dict.ts';
import { graphValues } from './graph-values.ts';
import { NO_CONFIGURE, readConfigure } from './inc.ts';
import { floatPath, moduleRow, OBSERVED, parametersOf, recurrentRows } from './module-row.ts';
import { type ModuleAt, unreadParts } from './packed-weights.ts';
import type {
  Approach,
  FloatModule,
  GraphValue,
  QParamsDifference,
  QuantizedModel,
  SavedModule,
} from './quantized-model.ts';
import { isRecurrent } from './recurrent.ts';
import { isPart, nameOf, type SavedState, savedState } from './saved-state.ts';

/** `record`: best_configure of a file of its own (Neural Compressor 1.x). One that lies with the weights counts first. */
export async function readQuantizedWeights(source: ByteSource, record: PickleValue = null): Promise<QuantizedModel> {
  const state = savedState(await readTorchSave(source), source.name);
  const configured = state.configure ?? record;
  const configure = configured === null ? NO_CONFIGURE : readConfigure(configured, state.file);
  const graph = await allGraphValues(state);
  const values = [...graph.keys()];
  const modules: SavedModule[] = [];
  const float: FloatModule[] = [];
  const differences: QParamsDifference[] = [];
  const unread: { name: string; reason: string }[] = [];
  for (const at of modulesWithout(state, new Set([...graph.values()].flat()))) {
    const parts = unreadParts(at);
    unread.push(...parts.map((leaf) => ({ name: nameOf(at.path, leaf), reason: UNKNOWN })));
    const row = isRecurrent(at) ? null : await moduleRow(state, { ...at, configure }, values);
    if (isRecurrent(at)) modules.push(...recurrentRows(state, at));
    else if (row) {
      modules.push(row.module);
      differences.push(...row.differences);
    } else if (parts.length === 0 && parametersOf(at).length > 0) {
      const type = configure.ops.get(at.path)?.type ?? null;
      float.push({ module: floatPath(state, at.path), type, parameters: parametersOf(at) });
    }
  }
  if (modules.length + unread.length + values.length === 0) return refuseFloat(state);
  return {
    approach: configure.approach ?? approachOf(modules),
    reduceRange: configure.reduceRange,
    modules,
    values,
    float,
    parameters: floatParameters(state, new Set([...graph.values()].flat())),
    paths: [...(state.versions ?? state.modules).keys()].filter((path) => !isPart(path)),
    differences,
    unread,
  };
}

/** Numbers that say how tensors are rounded, not what the model learned. */
const ROUNDING: ReadonlySet<string> = new Set(['scale', 'zero_point']);

function floatParameters(state: SavedState, taken: ReadonlySet<string>): Map<string, TensorData> {
  const found = new Map<string, TensorData>();
  for (const [path, leaves] of state.modules) {
    for (const [leaf, value] of leaves) {
      if (!(value instanceof SavedTensor) || value.quantizer || ROUNDING.has(leaf)) continue;
      const name = nameOf(path, leaf);
      if (taken.has(name) || value.dtype !== 'float32') continue;
      found.set(nameOf(floatPath(state, path), leaf), value.plain(name));
    }
  }
  return found;
}

const UNKNOWN = 'a quantized tensor that belongs to no module known here';

/** With the names of scale and zero point, which then belong to no module. */
async function allGraphValues(state: SavedState): Promise<Map<GraphValue, readonly string[]>> {
  const found = new Map<GraphValue, readonly string[]>();
  for (const container of state.modules.keys())
    for (const [value, leaves] of await graphValues(state, container))
      found.set(
        value,
        leaves.map((leaf) => nameOf(container, leaf)),
      );
  return found;
}

function modulesWithout({ file, modules }: SavedState, taken: ReadonlySet<string>): Omit<ModuleAt, 'configure'>[] {
  return [...modules].map(([path, leaves]) => ({
    file,
    path,
    leaves: new Map([...leaves].filter(([leaf]) => !taken.has(nameOf(path, leaf)))),
  }));
}

const approachOf = (modules: readonly SavedModule[]): Approach | null =>
  (['static', 'dynamic'] as const).find((mode) => modules.some((module) => module.mode === mode)) ?? null;

function refuseFloat({ file, modules }: SavedState): never {
  const count = [...modules.values()].reduce((n, leaves) => n + leaves.size, 0);
  const isPrepared = [...modules.values()].some((leaves) => OBSERVED.some((leaf) => leaves.has(leaf)));
  return fail('UnsupportedFormat', {
    file,
    found: isPrepared
      ? 'a checkpoint of a model with observers that was not converted to INT8 yet'
      : `a checkpoint of ${count} tensors, none of them quantized`,
    hint: isPrepared
      ? 'convert it in Python (torch.ao.quantization.convert) and save the state_dict of the result'
      : 'give the INT8 model, as Neural Compressor or torch.save(int8_model.state_dict()) saved it',
  });
}
