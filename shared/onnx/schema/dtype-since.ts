/** Element types that ONNX did not always have. */
import type { Dtype } from '../../tensor/dtype.ts';

const SINCE: Readonly<Partial<Record<Dtype, number>>> = {
  float8e4m3fn: 19,
  float8e4m3fnuz: 19,
  float8e5m2: 19,
  float8e5m2fnuz: 19,
  uint4: 21,
  int4: 21,
  float8e8m0fnu: 24,
};

/** The opset in which tensors of this type appeared; 0 when they were there before opset 13. */
export const dtypeSince = (dtype: Dtype): number => SINCE[dtype] ?? 0;
