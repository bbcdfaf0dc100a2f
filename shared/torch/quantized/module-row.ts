/** One module of a state dict as a row of the table: weights, how it computes, and scales out of several places. */
import { type PickleValue, Tuple } from '../pickle-values.ts';
import type { QuantizationMode } from '../quantized-weights.ts';
import { SavedTensor } from '../saved-tensor.ts';
import { affineOf, qparamsOf } from './affine.ts';
import { scaleInfoFor } from './inc.ts';
import { operatorOfType } from './module-types.ts';
import { type ModuleAt, packedWeight } from './packed-weights.ts';
import type { Affine, GraphValue, QParamsDifference, SavedModule } from './quantized-model.ts';
import { recurrentWeights } from './recurrent.ts';
import { type SavedState, scalarsIn } from './saved-state.ts';
import { type Candidates, settle } from './scale-sources.ts';

export interface ModuleRow {
  readonly module: SavedModule;
  readonly differences: readonly QParamsDifference[];
}

/** null: the module is float. */
export async function moduleRow(
  state: SavedState,
  at: ModuleAt,
  values: readonly GraphValue[],
): Promise<ModuleRow | null> {
  const packed = packedWeight(at);
  const own = await ownAffine(at);
  if (!packed && (!own || OBSERVED.some((leaf) => at.leaves.has(leaf)) || at.leaves.has(PACKED_LINEAR))) return null;
  const module = floatPath(state, at.path);
  const mode = packed && !own ? 'weight-only' : modeOf(state, at, own);
  const candidates = mode === 'static' ? await staticCandidates(state, { at, own, values }) : NOTHING;
  const input = settle({ module, place: 'input' }, candidates.input);
  const output = settle({ module, place: 'output' }, candidates.output);
  return {
    module: {
      module,
      operator: packed ? packed.operator : outputOperator(at),
      weight: packed?.weight ?? null,
      bias: packed?.bias ?? null,
      inputs: [input.affine && qparamsOf(input.affine)],
      output: output.affine && qparamsOf(output.affine),
      mode,
      sources: { input: input.affine?.from ?? null, output: output.affine?.from ?? null },
    },
    differences: [...input.differences, ...output.differences],
  };
}

/** A Linear with float16 weights has a scale that nothing uses. */
const PACKED_LINEAR = '_packed_params._packed_params';
/** Observers and fake quantization of a model that was prepared, not converted. */
export const OBSERVED = ['min_val', 'fake_quant_enabled', 'observer_enabled'];

const ownAffine = ({ file, path, leaves }: ModuleAt): Promise<Affine | null> =>
  scalarsIn({ file, name: `${path}.scale`, scale: leaves.get('scale'), zeroPoint: leaves.get('zero_point') });

/** Always dynamic: PyTorch has no static LSTM of its own kind. */
export const recurrentRows = (state: SavedState, at: Omit<ModuleAt, 'configure'>): SavedModule[] =>
  recurrentWeights(at).map((packed) => ({
    ...packed,
    module: floatPath(state, at.path),
    inputs: [null],
    output: null,
    mode: 'dynamic',
    sources: { input: null, output: null },
  }));

const NOTHING = { input: {}, output: {} };

async function staticCandidates(
  state: SavedState,
  { at, own, values }: { readonly at: ModuleAt; readonly own: Affine | null; readonly values: readonly GraphValue[] },
): Promise<{ input: Candidates; output: Candidates }> {
  const info = scaleInfoFor(at.configure, at.path);
  const activation = at.configure.ops.get(at.path)?.activation ?? null;
  return {
    input: {
      stub: await stubInFront(state, at),
      graph: inputValue(values, at.path),
      scale_info: info?.input ?? null,
    },
    output: { module: own, best_configure: activation, scale_info: info?.output ?? null },
  };
}

function outputOperator(at: ModuleAt): SavedModule['operator'] {
  const configured = operatorOfType(at.configure.ops.get(at.path)?.type);
  if (configured) return configured;
  // Of all modules only QuantStub keeps a vector of one scale and nothing else.
  const scale = at.leaves.get('scale');
  return at.leaves.size === 2 && scale instanceof SavedTensor && scale.shape.length === 1
    ? 'quantize_per_tensor'
    : null;
}

/** torch.ao.nn.quantized.dynamic.Linear counts its versions on from 4; the static one stands at 3. */
const DYNAMIC_LINEAR_VERSION = 4;

function modeOf({ versions }: SavedState, { path, leaves, configure }: ModuleAt, own: Affine | null): QuantizationMode {
  const isLinear = [...leaves.keys()].some((leaf) => leaf.startsWith('_packed_params.'));
  const version = versions?.get(path) ?? null;
  if (isLinear && version !== null) return version >= DYNAMIC_LINEAR_VERSION ? 'dynamic' : 'static';
  const quantMode = configure.ops.get(path)?.quantMode;
  if (quantMode === 'static' || quantMode === 'dynamic') return quantMode;
  // What modules that round at each call keep in place of an output scale.
  return own?.scale === 1 && own.zeroPoint === 0 ? 'dynamic' : 'static';
}

/** A QuantWrapper is `quant`, `module` and `dequant`: of its paths the float model has the one without `module`. */
export function floatPath({ modules }: Pick<SavedState, 'modules'>, path: string): string {
  const segments = path.split('.');
  const isWrapped = (i: number): boolean => modules.has([...segments.slice(0, i), 'quant'].join('.'));
  return segments.filter((segment, i) => segment !== 'module' || !isWrapped(i)).join('.');
}

async function stubInFront(state: SavedState, at: ModuleAt): Promise<Affine | null> {
  if (!/(?:^|\.)module$/.test(at.path)) return null;
  const path = `${at.path.slice(0, -'module'.length)}quant`;
  const leaves = state.modules.get(path);
  return leaves ? ownAffine({ ...at, path, leaves }) : null;
}

/** A module that reads two quantized tensors, or is called twice, has no one input. */
function inputValue(values: readonly GraphValue[], path: string): Affine | null {
  const [input, ...more] = values.filter(({ module, place }) => place === 'input' && path !== '' && module === path);
  return input && more.length === 0 ? affineOf(input.qparams) : null;
}

/** Names of the tensors of a float module, also where they are packed (float16). */
export const parametersOf = ({ leaves }: Pick<ModuleAt, 'leaves'>): string[] =>
  [...leaves].filter(([, value]) => holdsTensor(value)).map(([leaf]) => leaf);

function holdsTensor(value: PickleValue): boolean {
  if (value instanceof SavedTensor) return true;
  return value instanceof Tuple && value.items.some((item) => item instanceof SavedTensor);
}
