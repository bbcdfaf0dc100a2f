/** What PyTorch quantized, whatever file says it: the one value that readers of quantized files return. */
import type { TensorData } from '../tensor/data.ts';
import type { QParams } from '../tensor/qparams.ts';

/** Codes with what they mean. */
export interface QuantizedTensor {
  readonly codes: TensorData;
  readonly qparams: QParams;
}

/**
 * How activations are treated: parameters stand in the file; found anew in every run; not quantized at all.
 */
export type QuantizationMode = 'static' | 'dynamic' | 'weight-only';

/**
 * One operation that PyTorch computes on codes. Without a weight: add, mul, cat, matmul, layer_norm, hardswish ... A
 * module with several quantized weights (an LSTM) is several of these.
 */
export interface QuantizedModule {
  /** Path in the module tree, '' for the root, in the FP32 model's spelling (without `.module` of wrappers). */
  readonly module: string;
  /**
   * PyTorch's quantized operator without its namespace, what is fused into it included where the file says so (a state
   * dict does not): `conv2d_relu`, `linear`, `embedding_byte`, `add`. null where the file has no more than numbers.
   */
  readonly operator: string | null;
  /** `parameter`: its name below the module, `weight` or such as `weight_ih_l0`; in the FP32 parameter's shape. */
  readonly weight: (QuantizedTensor & { readonly parameter: string }) | null;
  /** float32, as stored. */
  readonly bias: TensorData | null;
  /** By position among the tensors it computes on; null where the file does not say or the input is float. */
  readonly inputs: readonly (QParams | null)[];
  /** null: it gives float. */
  readonly output: QParams | null;
  readonly mode: QuantizationMode;
}
