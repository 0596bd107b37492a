/** One after the other per key: commands on one stream within this process don't run into each other's conflicts. */
import { Problem } from '@annals/contracts/problems';

export type Turns = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;

export interface TurnLimits {
  /** Where so many wait for a key already, a further one is refused as `concurrent-changes`. */
  readonly maxWaiting: number;
  /** Who has waited for so long is refused as `unavailable`, so that an outage does not make them fail in turn. */
  readonly maxWaitMs: number;
}

/** Those who wait for a key, in their order: calling one begins its turn. */
type Queue = Set<() => void>;

/** Creates the queues. Who is refused has done nothing. */
export function createTurns({ maxWaiting, maxWaitMs }: TurnLimits): Turns {
  const queues = new Map<string, Queue>();

  return async (key, work) => {
    const queue = queues.get(key);
    if (!queue) queues.set(key, new Set());
    else if (queue.size >= maxWaiting) {
      throw new Problem('concurrent-changes', 'Too many changes of this resource are waiting; try again.');
    } else await turnIn(queue, maxWaitMs);
    try {
      return await work();
    } finally {
      const [next] = queues.get(key) ?? [];
      if (next) next();
      else queues.delete(key);
    }
  };
}

function turnIn(queue: Queue, maxWaitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      queue.delete(begin);
      clearTimeout(timer);
      resolve();
    };
    const giveUp = (): void => {
      queue.delete(begin);
      reject(
        new Problem('unavailable', 'Changes of this resource take too long right now; try again.', {
          retryAfter: 1,
        }),
      );
    };
    const timer = setTimeout(giveUp, maxWaitMs);
    queue.add(begin);
  });
}
