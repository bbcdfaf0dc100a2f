/** Every family of converters; each of their exports registers. */
import type { OpConverter } from '../converter.ts';
import * as activation from './activation.ts';
import * as adaptiveMaxPool from './adaptive-max-pool.ts';
import * as arithmetic from './arithmetic.ts';
import * as assembly from './assembly.ts';
import * as attention from './attention.ts';
import * as backward from './backward.ts';
import * as batchStatistics from './batch-statistics.ts';
import * as bessel from './bessel.ts';
import * as comparison from './comparison.ts';
import * as complex from './complex.ts';
import * as complexArithmetic from './complex-arithmetic.ts';
import * as complexLayout from './complex-layout.ts';
import * as convolution from './convolution.ts';
import * as covariance from './covariance.ts';
import * as creation from './creation.ts';
import * as cumulative from './cumulative.ts';
import * as einsum from './einsum.ts';
import * as embeddingBag from './embedding-bag.ts';
import * as errorFunction from './error-function.ts';
import * as experts from './experts.ts';
import * as fft from './fft.ts';
import * as fractionalMaxPool from './fractional-max-pool.ts';
import * as frequency from './frequency.ts';
import * as gamma from './gamma.ts';
import * as geometry from './geometry.ts';
import * as host from './host.ts';
import * as householder from './householder.ts';
import * as incompleteGamma from './incomplete-gamma.ts';
import * as indexing from './indexing.ts';
import * as integers from './integers.ts';
import * as integration from './integration.ts';
import * as join from './join.ts';
import * as linear from './linear.ts';
import * as linearSystems from './linear-systems.ts';
import * as loss from './loss.ts';
import * as marginLoss from './margin-loss.ts';
import * as matrixFunction from './matrix-function.ts';
import * as normalization from './normalization.ts';
import * as order from './order.ts';
import * as orthogonal from './orthogonal.ts';
import * as padding from './padding.ts';
import * as parts from './parts.ts';
import * as placement from './placement.ts';
import * as pointwise from './pointwise.ts';
import * as pooling from './pooling.ts';
import * as qparams from './qparams.ts';
import * as quantile from './quantile.ts';
import * as quantized from './quantized.ts';
import * as random from './random.ts';
import * as recurrent from './recurrent.ts';
import * as reduction from './reduction.ts';
import * as resize from './resize.ts';
import * as runs from './runs.ts';
import * as segment from './segment.ts';
import * as spacing from './spacing.ts';
import * as special from './special.ts';
import * as stft from './stft.ts';
import * as symbolic from './symbolic.ts';
import * as unpool from './unpool.ts';
import * as view from './view.ts';
import * as window from './window.ts';

/** Exported functions are the family's tools; exported lists are its converters. */
type Family = Readonly<Record<string, readonly OpConverter[] | ((...args: never[]) => unknown)>>;

export const FAMILIES: readonly Family[] = [
  activation,
  adaptiveMaxPool,
  arithmetic,
  assembly,
  attention,
  backward,
  batchStatistics,
  bessel,
  comparison,
  convolution,
  covariance,
  creation,
  cumulative,
  einsum,
  embeddingBag,
  errorFunction,
  experts,
  fft,
  fractionalMaxPool,
  frequency,
  gamma,
  geometry,
  host,
  householder,
  incompleteGamma,
  indexing,
  integers,
  integration,
  join,
  linear,
  linearSystems,
  loss,
  marginLoss,
  matrixFunction,
  normalization,
  order,
  orthogonal,
  padding,
  parts,
  placement,
  pointwise,
  pooling,
  qparams,
  quantile,
  quantized,
  random,
  recurrent,
  reduction,
  resize,
  runs,
  segment,
  spacing,
  special,
  stft,
  symbolic,
  unpool,
  view,
  window,
];

/** Used instead, for nodes that take or give complex tensors. */
export const COMPLEX_FAMILIES: readonly Family[] = [complex, complexArithmetic, complexLayout, fft, stft];
