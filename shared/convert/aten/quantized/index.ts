/** ATen operators that quantize and dequantize. */
export * as dynamicQparams from './dynamic-qparams.ts';
export * as fakeQuantize from './fake-quantize.ts';
export * as quantized from './quantized.ts';
export * as quantizedRows from './quantized-rows.ts';
