/** ATen operators that quantize and dequantize. */
export * as dynamicQparams from './dynamic-qparams.ts';
export * as quantized from './quantized.ts';
