/** Calibrators by name: a file and a row each. */
import { minmax, movingAverage } from './minmax.ts';
import type { Observer } from './observer.ts';

export const OBSERVERS = { minmax, movingAverage } as const satisfies Record<string, Observer>;

export type ObserverName = keyof typeof OBSERVERS;
export const DEFAULT_OBSERVER: ObserverName = 'minmax';
