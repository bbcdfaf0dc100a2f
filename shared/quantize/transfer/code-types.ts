/**
 * Which integers codes are: INC's three names. The numbers they stand for are the same, codes and zero point are
 * shifted together.
 */
import { derivedData, type TensorData } from '../../tensor/data.ts';
import type { CODE_TYPES, CodeTypes } from '../../choices.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { QParams } from '../../tensor/qparams.ts';
import type { QuantizedTensor } from '../../torch/quantized-weights.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';

export type ActivationDtype = (typeof CODE_TYPES)[CodeTypes]['activations'];

/** Between the smallest codes of uint8 and int8. */
const SHIFT = 128;

export function affineAs(affine: Affine, dtype: ActivationDtype): Affine {
  if (affine.dtype === dtype) return affine;
  return { dtype, scale: affine.scale, zeroPoint: affine.zeroPoint + (dtype === 'int8' ? -SHIFT : SHIFT) };
}

/** Tables with fractional zero points stay as they are: they are looked up, not multiplied. */
export function weightAs<T extends QuantizedTensor>(weight: T, dtype: 'uint8' | 'int8'): T {
  const { codes, qparams } = weight;
  if (codes.dtype === dtype || qparams.zeroPoint?.dtype === 'float32') return weight;
  return {
    ...weight,
    codes: shifted(codes, dtype),
    qparams: { ...qparams, dtype, zeroPoint: zeroPointAs(qparams, dtype) },
  };
}

/** Adding 128 modulo 256 is turning over the highest bit, both ways. */
const shifted = (codes: TensorData, dtype: Dtype): TensorData =>
  derivedData({ dtype, shape: codes.shape }, [codes], (bytes) => bytes.map((byte) => byte ^ 0x80));

function zeroPointAs({ zeroPoint, scale }: QParams, dtype: 'uint8' | 'int8'): TensorData {
  if (zeroPoint) return shifted(zeroPoint, dtype);
  return derivedData({ dtype, shape: scale.shape }, [scale], (bytes) =>
    new Uint8Array(bytes.byteLength / 4).fill(SHIFT),
  );
}
