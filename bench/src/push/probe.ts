/**
 * Loaded into a measured process before its own script (`--expose-gc --import`): tells its parent how much processor
 * time it has taken and how much memory it holds. Nothing of the process itself is changed.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Collections until what is only waiting for its finalizer is gone too. */
const COLLECTIONS = 4;

process.on('message', (question: { readonly kind?: string }) => {
  if (question.kind === 'usage') void usage().then((answer) => process.send?.(answer));
});

async function usage(): Promise<object> {
  const { user, system } = process.cpuUsage();
  for (let n = 0; n < COLLECTIONS; n++) {
    globalThis.gc?.();
    await sleep(20);
  }
  return { cpuSeconds: (user + system) / 1e6, rss: process.memoryUsage.rss() };
}
