/** Several runs side by side, at most so many at a time. */

export type Run<T> = (signal: AbortSignal) => Promise<T>;

/** Results in order. The first failure stops the others and is thrown. A limit of 0 is no limit. */
export async function allOrFirstFailure<T>(runs: readonly Run<T>[], limit: number, outer: AbortSignal): Promise<T[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  const results: T[] = [];
  let failure: { readonly thrown: unknown } | null = null;
  await lanes(runs.entries(), limit || runs.length, async ([i, run]) => {
    if (failure) return;
    try {
      results[i] = await run(signal);
    } catch (thrown) {
      failure ??= { thrown };
      stop.abort(new Error('another branch failed'));
    }
  });
  if (failure) throw (failure as { thrown: unknown }).thrown;
  return results;
}

/** Take items one by one in `count` lanes until there are none left. */
export async function lanes<T>(
  items: Iterator<T> & Iterable<T>,
  count: number,
  take: (item: T) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let next = items.next(); !next.done; next = items.next()) await take(next.value);
    }),
  );
}
