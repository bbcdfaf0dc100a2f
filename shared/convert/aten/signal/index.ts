/** ATen operators of Fourier transforms. */
export * as fft from './fft.ts';
export * as stft from './stft.ts';
export * as frequencies from './frequencies.ts';
