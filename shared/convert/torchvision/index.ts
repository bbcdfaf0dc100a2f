/** Operators of torchvision that exported models hold. */
export * as nms from './nms.ts';
