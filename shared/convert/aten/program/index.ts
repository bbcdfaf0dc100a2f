/** ATen operators that concern the program around the tensors. */
export * as host from './host.ts';
export * as symbolic from './symbolic.ts';
