/** What tuning tries: ways to quantize in the order of their expected speed, and calibrators for each. A row each. */
import { DEFAULT_SMOOTH_QUANT } from '../../choices.ts';
import type { QuantizeRequest } from '../quantize.ts';

/** What a trial may choose. */
export type Setting = Partial<Omit<QuantizeRequest, 'calibration' | 'calibrationFile' | 'workFolder' | TrialOnly>>;
type TrialOnly = 'floatLayers' | 'knownRanges' | 'layerErrors';

export interface Candidate {
  /** For the report; unique. */
  readonly name: string;
  readonly setting: Setting;
}

/** Models of one speed: the first is tried always, the others where it is fast but not accurate enough. */
export interface SpeedGroup {
  readonly first: Candidate;
  readonly others: readonly Candidate[];
}

/** Kernels and what they read: what makes a model fast. */
const KERNELS: readonly Candidate[] = [
  {
    name: 'static QDQ, int32 bias',
    setting: { approach: 'static', format: 'QDQ', recipe: 'QDQ_OP_INT32_BIAS' },
  },
  { name: 'static QDQ', setting: { approach: 'static', format: 'QDQ', recipe: 'QDQ_OP_FP32_BIAS' } },
  { name: 'static QDQ, all operators', setting: { approach: 'static', format: 'QDQ', full: true } },
  { name: 'static QLinear', setting: { approach: 'static', format: 'QLinear', recipe: 'QDQ_OP_FP32_BIAS' } },
  {
    name: 'static QDQ, codes from Linear',
    setting: { approach: 'static', format: 'QDQ', recipe: 'QDQ_OP_FP32_BIAS_QDQ' },
  },
  { name: 'dynamic', setting: { approach: 'dynamic' } },
  { name: 'static QDQ, U8U8', setting: { approach: 'static', format: 'QDQ', weightType: 'QUInt8' } },
  { name: 'weights alone', setting: { approach: 'weight-only', format: 'QLinear' } },
];

/** What changes numbers and not speed, of what is calibrated; what takes long to find comes last. */
const NUMBERS: readonly Candidate[] = [
  { name: 'Percentile', setting: { observer: 'Percentile' } },
  { name: 'MSE', setting: { observer: 'MSE' } },
  { name: 'bias correction', setting: { biasCorrection: true } },
  { name: 'SmoothQuant', setting: { smoothQuant: DEFAULT_SMOOTH_QUANT } },
  {
    name: 'SmoothQuant, bias correction',
    setting: { smoothQuant: DEFAULT_SMOOTH_QUANT, biasCorrection: true },
  },
  {
    name: 'equalization, SmoothQuant, bias correction',
    setting: { crossLayerEqualization: true, smoothQuant: DEFAULT_SMOOTH_QUANT, biasCorrection: true },
  },
  { name: 'auto', setting: { observer: 'auto' } },
  { name: 'Entropy', setting: { observer: 'Entropy' } },
];

/** Approaches that `NUMBERS` mean something to. */
const CALIBRATED: ReadonlySet<unknown> = new Set<Setting['approach']>(['static']);

/** All that does not contradict what is asked; what is asked holds in each. */
export function groupsFor(asked: Setting, { hasCalibration }: { readonly hasCalibration: boolean }): SpeedGroup[] {
  const fits = ({ setting }: Candidate): boolean => agree(setting, asked);
  return KERNELS.filter(fits)
    .filter(({ setting }) => hasCalibration || !CALIBRATED.has(setting.approach))
    .map((kernel) => ({
      first: withAsked(kernel, asked),
      others: CALIBRATED.has(kernel.setting.approach)
        ? NUMBERS.filter((numbers) => fits(numbers) && !isSaid(numbers, asked)).map((numbers) =>
            withAsked(joined(kernel, numbers), asked),
          )
        : [],
    }));
}

const joined = (kernel: Candidate, numbers: Candidate): Candidate => ({
  name: `${kernel.name}, ${numbers.name}`,
  setting: { ...kernel.setting, ...numbers.setting },
});

const withAsked = ({ name, setting }: Candidate, asked: Setting): Candidate => ({
  name,
  setting: { ...setting, ...asked },
});

type Key = keyof Setting;
const keysOf = (setting: Setting): readonly Key[] => Object.keys(setting) as Key[];

/** No option has two values. */
const agree = (a: Setting, b: Setting): boolean => keysOf(a).every((key) => b[key] === undefined || a[key] === b[key]);

/** All of it is asked for anyway. */
const isSaid = ({ setting }: Candidate, asked: Setting): boolean =>
  keysOf(setting).every((key) => asked[key] !== undefined);
