/** Lets one loop sleep until another part of the program has something for it. */
export interface Bell {
  /** Wakes the sleeper, or keeps it from falling asleep the next time. */
  ring(): void;
  /** Resolves once rung, or after `timeoutMs`. One waits at a time. */
  wait(timeoutMs?: number): Promise<void>;
}

/** Creates a bell that has not been rung. */
export function createBell(): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      isRung = true;
      wake?.();
    },
    async wait(timeoutMs) {
      if (!isRung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
        await promise;
        clearTimeout(timer);
        wake = undefined;
      }
      isRung = false;
    },
  };
}
