/** ATen operators of linear algebra. */
export * as cholesky from './cholesky.ts';
export * as einsum from './einsum.ts';
export * as experts from './experts.ts';
export * as geometry from './geometry.ts';
export * as householder from './householder.ts';
export * as linearSystems from './linear-systems.ts';
export * as linear from './linear.ts';
export * as lu from './lu.ts';
export * as matrixFunction from './matrix-function.ts';
