/** Work that has begun, so that its end can be waited for even when nobody wants its result any more. */

export interface UnderWay {
  add<T>(work: Promise<T>): Promise<T>;
  ended(): Promise<void>;
}

export function underWay(): UnderWay {
  const running = new Set<Promise<unknown>>();
  return {
    add: (work) => {
      running.add(work);
      return work.finally(() => running.delete(work));
    },
    ended: async () => void (await Promise.allSettled(running)),
  };
}
