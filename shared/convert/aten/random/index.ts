/** ATen random draws. */
export * as random from './random.ts';
