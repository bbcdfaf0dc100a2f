/** ATen special functions, computed in double. */
export * as bessel from './bessel.ts';
export * as errorFunction from './error-function.ts';
export * as gamma from './gamma.ts';
export * as incompleteGamma from './incomplete-gamma.ts';
export * as orthogonalPolynomials from './orthogonal-polynomials.ts';
