/** `best_configure`, what Intel Neural Compressor writes beside the weights. */
import { fail } from '../../errors.ts';
import { dictOf, type PickleValue, Tuple } from '../pickle-values.ts';
import { checkedAffine } from './affine.ts';
import type { Affine, Approach } from './quantized-model.ts';

export interface ConfiguredOp {
  /** A class of torch.nn: `Conv2d`, also for a fused Conv and ReLU. */
  readonly type: string;
  /** Left in floating point. */
  readonly isFloat: boolean;
  readonly quantMode: string | null;
  readonly activation: Affine | null;
}

export interface ScaleInfo {
  readonly input: Affine | null;
  readonly output: Affine | null;
}

export interface Configure {
  readonly approach: Approach | null;
  readonly reduceRange: boolean | null;
  /** By module path. */
  readonly ops: ReadonlyMap<string, ConfiguredOp>;
  readonly scaleInfo: ReadonlyMap<string, ScaleInfo>;
}

const APPROACHES: Readonly<Record<string, Approach>> = {
  post_training_static_quant: 'static',
  post_training_dynamic_quant: 'dynamic',
  quant_aware_training: 'qat',
};

export const NO_CONFIGURE: Configure = { approach: null, reduceRange: null, ops: new Map(), scaleInfo: new Map() };

export function readConfigure(value: PickleValue, file: string): Configure {
  const dict = dictOf(value) ?? refuse(file, 'it is no dictionary');
  const approach = dict.get('approach');
  const reduceRange = dict.get('reduce_range');
  return {
    approach: typeof approach === 'string' && Object.hasOwn(APPROACHES, approach) ? APPROACHES[approach]! : null,
    reduceRange: typeof reduceRange === 'boolean' ? reduceRange : null,
    ops: opsOf(dict.get('op'), file),
    scaleInfo: scaleInfoOf(dict.get('scale_info'), file),
  };
}

const refuse = (file: string, reason: string): never => fail('CorruptModel', { file, where: 'best_configure', reason });

function opsOf(value: PickleValue | undefined, file: string): Map<string, ConfiguredOp> {
  const ops = new Map<string, ConfiguredOp>();
  for (const [key, facts] of dictOf(value) ?? []) {
    const [module, type] = key instanceof Tuple ? key.items : [];
    if (typeof module !== 'string' || typeof type !== 'string') return refuse(file, 'an operator has no (name, type)');
    const weight = dictOf(dictOf(facts)?.get('weight'));
    const activation = dictOf(dictOf(facts)?.get('activation'));
    const dtype = (weight ?? activation)?.get('dtype');
    const quantMode = activation?.get('quant_mode');
    ops.set(module, {
      type,
      isFloat: dtype === 'fp32' || dtype === 'bf16',
      quantMode: typeof quantMode === 'string' ? quantMode : null,
      activation: affineIn(file, `${module}: activation`, [activation?.get('scale'), activation?.get('zero_point')]),
    });
  }
  return ops;
}

function scaleInfoOf(value: PickleValue | undefined, file: string): Map<string, ScaleInfo> {
  const infos = new Map<string, ScaleInfo>();
  for (const [module, facts] of dictOf(value) ?? []) {
    if (typeof module !== 'string') return refuse(file, 'scale_info holds a key that is no name');
    const at = (place: string): Affine | null =>
      affineIn(file, `scale_info of ${module}`, [
        dictOf(facts)?.get(`${place}_scale`),
        dictOf(facts)?.get(`${place}_zeropoint`),
      ]);
    infos.set(module, { input: at('input'), output: at('output') });
  }
  return infos;
}

function affineIn(
  file: string,
  name: string,
  [scale, zeroPoint]: readonly [PickleValue | undefined, PickleValue | undefined],
): Affine | null {
  if (typeof scale !== 'number' || typeof zeroPoint !== 'number') return null;
  return checkedAffine(file, name, { dtype: 'uint8', scale, zeroPoint });
}

/** Names under which scale_info knows a module: its own, or that of the first child of what was fused. */
export const scaleInfoFor = ({ scaleInfo }: Configure, module: string): ScaleInfo | null =>
  ['', '.module', '.0', '.module.0'].map((suffix) => scaleInfo.get(module + suffix)).find((info) => info) ?? null;
