/** ATen operators that reduce or accumulate along axes. */
export * as covariance from './covariance.ts';
export * as cumulative from './cumulative.ts';
export * as extremes from './extremes.ts';
export * as frequency from './frequency.ts';
export * as integration from './integration.ts';
export * as norm from './norm.ts';
export * as quantile from './quantile.ts';
export * as reduction from './reduction.ts';
export * as segment from './segment.ts';
export * as softmax from './softmax.ts';
export * as truth from './truth.ts';
export * as variance from './variance.ts';
