/** Signals that ask a command to end. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C reaches the whole foreground group, and npm passes it on once more: that is still one request. */
const ECHO_MS = 1_000;

/**
 * Calls `first` at the first signal and `second` at one that comes a second or more later. Resolves at the first;
 * from the call on, signals no longer end the process by themselves.
 */
export function onSignals(handlers: { first: () => void; second: () => void }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        handlers.first();
        resolve();
      } else if (performance.now() - firstAt > ECHO_MS) handlers.second();
    });
  }
  return promise;
}
