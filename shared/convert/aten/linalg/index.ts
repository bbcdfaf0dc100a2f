/** ATen operators of linear algebra. */
export * as einsum from './einsum.ts';
export * as experts from './experts.ts';
export * as geometry from './geometry.ts';
export * as householder from './householder.ts';
export * as linearSystems from './linear-systems.ts';
export * as linear from './linear.ts';
export * as matrixFunction from './matrix-function.ts';
