/** One after the other per key: commands on one stream within this process don't run into each other's conflicts. */
import { Problem } from '@annals/contracts/problems';

export type Turns = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;

/** Creates the queues. Where `maxWaiting` wait for a key already, a further one is refused as `concurrent-changes`. */
export function createTurns(maxWaiting: number): Turns {
  const queues = new Map<string, { readonly waiting: (() => void)[] }>();

  return async (key, work) => {
    const queue = queues.get(key);
    if (!queue) queues.set(key, { waiting: [] });
    else if (queue.waiting.length >= maxWaiting) {
      throw new Problem('concurrent-changes', 'Too many changes of this resource are waiting; try again.');
    } else await new Promise<void>((resolve) => queue.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = queues.get(key)?.waiting.shift();
      if (next) next();
      else queues.delete(key);
    }
  };
}
