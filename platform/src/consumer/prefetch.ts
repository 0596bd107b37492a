/** Batches of a subscription, the next one of which is read and decoded while the one before is written. */
import type { DomainEventBatch } from '../event-log/log.ts';

export interface Prefetch {
  /** The batch that has arrived, `pending` while none has, `ended` after the last. Throws what the subscription threw. */
  take(): DomainEventBatch | 'pending' | 'ended';
  /** Lets go of the subscription, whose signal must be aborted. */
  close(): Promise<void>;
}

/** Begins to read. `onArrival` is called when `take` has something to give (then with the batch) or to throw. */
export function prefetch(
  subscription: AsyncIterable<DomainEventBatch>,
  onArrival: (batch?: DomainEventBatch) => void,
): Prefetch {
  const batches = subscription[Symbol.asyncIterator]();
  let arrived: IteratorResult<DomainEventBatch> | { readonly error: unknown } | undefined;
  const arrive = (what: typeof arrived): void => {
    arrived = what;
    onArrival(what && 'value' in what ? what.value : undefined);
  };
  const fetch = (): void => {
    arrived = undefined;
    batches.next().then(arrive, (error: unknown) => arrive({ error }));
  };
  fetch();
  return {
    take() {
      if (!arrived) return 'pending';
      if ('error' in arrived) throw arrived.error;
      if (arrived.done) return 'ended';
      const batch = arrived.value;
      fetch();
      return batch;
    },
    async close() {
      await batches.return?.();
    },
  };
}
