/** The models that a job asks for. */
import {
  type Approach,
  APPROACHES,
  type AskedDtype,
  ASKED_DTYPES,
  type CodeTypes,
  codeTypesOf,
  DEFAULT_CODE_TYPES,
  DTYPES,
  isQuantized,
  type QuantFormat,
  suffixOf,
  type VariantDtype,
  variantDtypeOf,
  VARIANTS,
} from '../../choices.ts';
import { type JobOptions } from './job-schema.ts';

export interface VariantRequest {
  /** Unique in the job: `fp32`, `int8`, `int4`, or `int8.qdq` and `int8.qlinear`, or `int8.s8s8` and `int8.u8u8`. */
  readonly name: string;
  readonly dtype: VariantDtype;
  readonly format: QuantFormat | null;
  readonly types: CodeTypes;
  /** File name in the output folder. */
  readonly file: string;
  /** False when the converted model is this variant. */
  readonly quantize: boolean;
}

/** Codes and scales that PyTorch chose win over those we would compute. */
export function approachOf({ quantized_model, approach }: JobOptions, dtype: VariantDtype): Approach {
  if (VARIANTS[dtype].onlyWeights) return 'weight-only';
  return quantized_model === null ? approach : 'transferred';
}

/** Form, recipe and calibrator are found by trial. */
export const isTuned = (options: JobOptions, dtype: VariantDtype): boolean =>
  options.recipe === 'auto' && TUNED_APPROACHES.includes(approachOf(options, dtype));
const TUNED_APPROACHES: readonly Approach[] = ['static', 'dynamic'];

const isQuantizedDtype = (asked: AskedDtype): boolean => isQuantized({ dtype: variantDtypeOf(asked) });
/** Of the quantized models that are asked for. */
export const quantizedDtypes = ({ dtype }: JobOptions): VariantDtype[] => [
  ...new Set(dtype.filter(isQuantizedDtype).map(variantDtypeOf)),
];
export const approachesOf = (options: JobOptions): Approach[] =>
  quantizedDtypes(options).map((d) => approachOf(options, d));
/** `model.onnx`, `model.int8.onnx`; two forms of a quantized one are told apart by their names. */
export const variantRequest = (
  dtype: VariantDtype,
  more: Partial<Pick<VariantRequest, 'name' | 'format' | 'quantize' | 'types'>> = {},
): VariantRequest => ({
  name: dtype,
  dtype,
  format: null,
  types: DEFAULT_CODE_TYPES,
  file: `model${suffixOf(dtype, more.name)}`,
  quantize: isQuantized({ dtype }),
  ...more,
});

/** One for each form of a quantized model that was asked for; U8S8 is what `int8` means. */
export const variantsOf = (options: JobOptions): VariantRequest[] => [
  ...DTYPES.filter((d) => !isQuantized({ dtype: d }) && options.dtype.includes(d)).map((d) => variantRequest(d)),
  ...DTYPES.filter((d) => quantizedDtypes(options).includes(d)).flatMap((d) => formsOf(d, options)),
];

function formsOf(dtype: VariantDtype, options: JobOptions): VariantRequest[] {
  const asked = ASKED_DTYPES.filter((each) => variantDtypeOf(each) === dtype && options.dtype.includes(each));
  const types = [...new Set(asked.map(codeTypesOf))];
  const hasFormats = APPROACHES[approachOf(options, dtype)].hasFormats && !isTuned(options, dtype);
  const formats = hasFormats ? options.quant_format : [null];
  const suffix = (chosen: string, among: readonly unknown[]): string =>
    among.length === 1 ? '' : `.${chosen.toLowerCase()}`;
  return types.flatMap((each) =>
    formats.map((format) => {
      const name = `${dtype}${suffix(each, types)}${format === null ? '' : suffix(format, formats)}`;
      return variantRequest(dtype, { name, format, types: each });
    }),
  );
}
