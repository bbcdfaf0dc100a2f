/** ATen operators of torch.nn's layers and losses. */
export * as adaptiveMaxPool from './adaptive-max-pool.ts';
export * as attention from './attention.ts';
export * as backward from './backward.ts';
export * as batchStatistics from './batch-statistics.ts';
export * as convolution from './convolution.ts';
export * as embeddingBag from './embedding-bag.ts';
export * as fractionalMaxPool from './fractional-max-pool.ts';
export * as gridSampler from './grid-sampler.ts';
export * as loss from './loss.ts';
export * as marginLoss from './margin-loss.ts';
export * as normalization from './normalization.ts';
export * as pooling from './pooling.ts';
export * as recurrent from './recurrent.ts';
export * as resize from './resize.ts';
export * as unpool from './unpool.ts';
