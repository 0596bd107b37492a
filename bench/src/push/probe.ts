/**
 * Loaded into a measured process before its own script (`--expose-gc --import`): tells its parent how much processor
 * time it has taken and how much memory it holds. Nothing of the process itself is changed.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Collections until what is only waiting for its finalizer is gone too. */
const COLLECTIONS = 4;

process.on('message', (question: { readonly kind?: string }) => {
  if (question.kind === 'cpu') process.send?.({ seconds: cpuSeconds() });
  if (question.kind === 'memory') void residentBytes().then((bytes) => process.send?.({ bytes }));
});

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function residentBytes(): Promise<number> {
  for (let n = 0; n < COLLECTIONS; n++) {
    globalThis.gc?.();
    await sleep(50);
  }
  return process.memoryUsage.rss();
}
