/** Operators of torchvision that exported models hold. */
export * as deformableConvolution from './deformable-convolution.ts';
export * as nms from './nms.ts';
export * as positionSensitivePool from './position-sensitive-pool.ts';
export * as regions from './regions.ts';
