/** Calibrators by name, those of onnxruntime's tool by its names: a file and a row each. */
import { auto } from './auto.ts';
import { entropy } from './entropy.ts';
import { minmax, movingAverage } from './minmax.ts';
import { mse } from './mse.ts';
import type { Observer, ObserverOptions } from './observer.ts';
import { percentile } from './percentile.ts';

export const OBSERVERS = {
  MinMax: minmax,
  MovingAverage: movingAverage,
  Percentile: percentile,
  Entropy: entropy,
  MSE: mse,
  auto,
} as const satisfies Record<string, Observer>;

export type ObserverName = keyof typeof OBSERVERS;
// Object.keys forgets the names.
export const OBSERVER_NAMES = Object.keys(OBSERVERS) as readonly ObserverName[];

/** An observer by name, and what is changed of it. */
export interface ObserverChoice {
  readonly observer?: ObserverName;
  readonly observerOptions?: ObserverOptions;
}
export const DEFAULT_OBSERVER: ObserverName = 'MinMax';
