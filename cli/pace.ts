/** How far the running step is, in words: how much of all, since when, and how long it still takes. */
import type { Advance } from '../shared/bytes/advance.ts';
import { size } from './sizes.ts';

export interface Pace {
  readonly text: string;
  /** Whether another quarter is done: lines stay, so there are four of them for each pass. */
  readonly isQuarter: boolean;
}

/** Seconds that go by before anybody wants to know how many there are. */
const SOON = 5;

const AMOUNTS: Readonly<Record<Advance['unit'], (done: number, of: number) => string>> = {
  samples: (done, of) => `${done} of ${of} samples`,
  bytes: (done, of) => `${size(done)} of ${size(of)}`,
};

/** To be called with every advance of a step; `now` in milliseconds. */
export function pacer(now: () => number = () => performance.now()): (advance: Advance) => Pace {
  let [doing, before, began]: [string | null, number, number] = [null, 0, 0];
  return (advance) => {
    const { done, of } = advance;
    // A pass begins with another work, or where it counts anew.
    if (advance.doing !== doing || done < before) [doing, before, began] = [advance.doing, 0, now()];
    const isQuarter = Math.floor((4 * done) / of) > Math.floor((4 * before) / of);
    before = done;
    const share = `${AMOUNTS[advance.unit](done, of)}, ${Math.round((100 * done) / of)} %`;
    return { text: `${doing}: ${share}${timeText((now() - began) / 1000, done / of)}`, isQuarter };
  };
}

function timeText(seconds: number, share: number): string {
  if (seconds < SOON) return '';
  const left = share < 1 ? `, ${duration((seconds * (1 - share)) / share)} left` : '';
  return `, ${duration(seconds)}${left}`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 100 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}
