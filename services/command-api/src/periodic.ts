/** What has to be done every now and then. Every replica does it; doing it twice does no harm. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@annals/platform/telemetry/logger';

export interface PeriodicTask {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<void>;
}

/** Starts the tasks, each after its first interval, never twice at a time; gives what stops and awaits them. */
export function startPeriodic(tasks: readonly PeriodicTask[], logger: Logger): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const repeat = async ({ name, everyMs, run }: PeriodicTask): Promise<void> => {
    for (;;) {
      // Replicas that were started together are not to do it all at the same time.
      await sleep(everyMs * (0.9 + Math.random() * 0.2), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await run().catch((error: unknown) => logger.warn({ error, task: name }, 'a periodic task failed'));
    }
  };
  const running = Promise.all(tasks.map(repeat));
  return async () => {
    stopping.abort();
    await running;
  };
}
