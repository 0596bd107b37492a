/** The log of a stack, read past all services. */
import { type EventStoreConfig, openEventStore } from '@annals/platform/event-store/open';
import type { Position, StoredEvent } from '@annals/platform/event-store/port';

/** Every event of the log at `address` after `from` and up to its present head. */
export async function readLog(
  address: EventStoreConfig,
  from: Position | 'start' = 'start',
): Promise<readonly StoredEvent[]> {
  const store = await openEventStore(address, { application: 'guarantees' });
  try {
    const all: StoredEvent[] = [];
    for await (const { events, caughtUp } of store.subscribe({ from })) {
      all.push(...events);
      if (caughtUp) break;
    }
    return all;
  } finally {
    await store.close();
  }
}
