/** Scales, zero points and codes of a plan as initializers, each made once. */
import type { Value } from '../../onnx/ir.ts';
import type { QParamValues } from '../../onnx/qparam-values.ts';
import {
  asFloat32,
  bytesOf,
  channelsOf,
  codeArray,
  dequantizeBias,
  quantizeBias,
  quantizeInto,
} from '../../tensor/arithmetic.ts';
import { derivedData, memoryData, type TensorData } from '../../tensor/data.ts';
import { byteLength } from '../../tensor/dtype.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import { CODES, type QParams, scaleAxis } from '../../tensor/qparams.ts';
import { elementCount } from '../../tensor/type.ts';
import { biasValues } from '../compute-qparams.ts';
import { type ConstantPlan, type PlanOf, rootOf, type TensorPlan } from '../plan.ts';
import type { Writing } from './writing.ts';

/** Integer operators want a zero point, also where it is 0. */
type Written = QParamValues & { readonly zeroPoint: Value };

export class PlanValues {
  readonly #writing: Writing;
  readonly #params: ReadonlyMap<TensorPlan, QParams>;
  readonly #values = new Map<TensorPlan, Written>();
  readonly #codes = new Map<TensorPlan, Value>();

  constructor(writing: Writing, params: ReadonlyMap<TensorPlan, QParams>) {
    this.#writing = writing;
    this.#params = params;
  }

  qparamsOf(plan: TensorPlan): QParams {
    const qparams = this.#params.get(rootOf(plan));
    if (!qparams) throw new Error(`"${plan.value.name}" has no scale`);
    return qparams;
  }

  valuesOf(plan: TensorPlan): Written {
    const root = rootOf(plan);
    const known = this.#values.get(root);
    if (known) return known;
    const { dtype, scale, zeroPoint, granularity } = this.qparamsOf(root);
    const name = this.#writing.nameOf(root.value);
    const zeros = (): Uint8Array => new Uint8Array(byteLength(dtype, elementCount(scale.shape)));
    const values = {
      scale: this.#writing.constant(`${name}_scale`, scale),
      zeroPoint: this.#writing.constant(`${name}_zero_point`, zeroPoint ?? memoryData(dtype, scale.shape, zeros())),
      granularity,
    };
    this.#values.set(root, values);
    return values;
  }

  /** The initializer with the codes of a constant. */
  codesOf(plan: ConstantPlan): Value {
    const known = this.#codes.get(plan);
    if (known) return known;
    const codes = this.#writing.constant(`${plan.value.name}_quantized`, this.codeDataOf(plan));
    this.#codes.set(plan, codes);
    return codes;
  }

  /** A bias as float, rounded as its codes are: the same numbers whether they are added before or after scaling. */
  numbersOf(bias: PlanOf<'bias'>): Value {
    const codes = this.codeDataOf(bias);
    const numbers = derivedData(
      { dtype: 'float32', shape: codes.shape },
      [codes, this.qparamsOf(bias).scale],
      (bytes, scale) => bytesOf(dequantizeBias(bytes!, asFloat32(scale!))),
    );
    return this.#writing.constant(`${bias.value.name}_rounded`, numbers);
  }

  codeDataOf(plan: ConstantPlan): TensorData {
    if (plan.kind === 'copied') return plan.codes;
    const qparams = this.qparamsOf(plan);
    return plan.kind === 'bias' ? biasCodes(plan, qparams) : codesOf(plan.data, qparams);
  }
}

/** Integer kernels want a vector, whatever ones surround it in the float model. */
const biasCodes = (plan: PlanOf<'bias'>, { dtype, scale }: QParams): TensorData =>
  derivedData({ dtype, shape: [elementCount(plan.data.shape)] }, [plan.data, scale], (bytes, scales) =>
    bytesOf(quantizeBias(biasValues(plan, bytes!), asFloat32(scales!))),
  );

/** Computed when the file is written; until then only the scales are in memory. */
function codesOf(data: TensorData, { dtype, granularity, scale, zeroPoint }: QParams): TensorData {
  const channels = channelsOf(data.shape, scaleAxis(granularity));
  const from = [data, scale, ...(zeroPoint ? [zeroPoint] : [])];
  return derivedData({ dtype, shape: data.shape }, from, (bytes, scales, zeros) => {
    const values = asFloat32(bytes!);
    const zeroPoints = zeros ? decodeNumbers(zeroPoint!.dtype, zeros) : new Float64Array(channels.channels);
    const params = { channels, scale: asFloat32(scales!), zeroPoint: zeroPoints, ...CODES[dtype] };
    return bytesOf(quantizeInto(codeArray(dtype, values.length), values, params));
  });
}
