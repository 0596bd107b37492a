/** What this process has heard of consumers' progress, and who waits for more of it. */
import type { Position } from '../event-store/port.ts';
import { comparePositions } from '../event-store/position.ts';
import type { Announcement } from './progress.ts';

export interface KnownProgress {
  /** Takes news in and wakes those whom they concern. */
  learn(news: readonly Announcement[]): void;
  /** How far a reader may claim to see that has read `checkpoint` of `consumer`: never further than it sees. */
  claimable(consumer: string, checkpoint: Position, through: Position): Position;
  /** True where reading `consumers` now should show all up to `position`. */
  covers(consumers: readonly string[], position: Position): boolean;
  /** Resolves to whether `covers` came true within `waitMs`. Throws the signal's reason. */
  waitFor(
    consumers: readonly string[],
    position: Position,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<boolean>;
  /** The consumers that somebody waits for. */
  awaited(): readonly string[];
  /** How many wait. */
  readonly waiting: number;
}

interface Waiter {
  readonly consumers: readonly string[];
  readonly position: Position;
  readonly wake: (isCovered: boolean) => void;
}

/** Creates an empty one. */
export function createKnownProgress(): KnownProgress {
  const known = new Map<string, { readonly checkpoint: Position; readonly through: Position }>();
  const waiters = new Set<Waiter>();

  const covers = (consumers: readonly string[], position: Position): boolean =>
    consumers.every((consumer) => (known.get(consumer)?.through ?? '') >= position);

  return {
    learn(news) {
      for (const [consumer, checkpoint, through] of news) {
        const before = known.get(consumer);
        if (!before || before.through < through) known.set(consumer, { checkpoint, through });
      }
      for (const { consumers, position, wake } of waiters) if (covers(consumers, position)) wake(true);
    },
    claimable(consumer, checkpoint, through) {
      const own = comparePositions(checkpoint, through) < 0 ? through : checkpoint;
      const heard = known.get(consumer);
      // Nothing was handled between the announced checkpoint and `through`; before that checkpoint, who knows.
      return heard && checkpoint >= heard.checkpoint && heard.through > own ? heard.through : own;
    },
    covers,
    async waitFor(consumers, position, waitMs, signal) {
      if (covers(consumers, position)) return true;
      signal?.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter = { consumers, position, wake: resolve };
      const giveUp = () => resolve(false);
      waiters.add(waiter);
      const timer = setTimeout(giveUp, waitMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      try {
        const isCovered = await promise;
        signal?.throwIfAborted();
        return isCovered;
      } finally {
        waiters.delete(waiter);
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      }
    },
    awaited: () => [...new Set([...waiters].flatMap(({ consumers }) => consumers))],
    get waiting() {
      return waiters.size;
    },
  };
}
