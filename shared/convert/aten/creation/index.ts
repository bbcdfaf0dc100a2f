/** ATen operators that make tensors. */
export * as assembly from './assembly.ts';
export * as creation from './creation.ts';
export * as spacing from './spacing.ts';
export * as windows from './windows.ts';
