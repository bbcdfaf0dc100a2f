/** At most so many at a time; the others wait in line. */

export type TakeSlot = <T>(work: () => Promise<T>) => Promise<T>;

export function slots(count: number): TakeSlot {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
