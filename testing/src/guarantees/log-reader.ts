/** The log of a stack, read past all services. */

import type { Position, StoredEvent } from '@annals/platform/event-store/port';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';

/** Every event of the log at `databaseUrl` after `from` and up to its present head. */
export async function readLog(
  databaseUrl: string,
  from: Position | 'start' = 'start',
): Promise<readonly StoredEvent[]> {
  const store = await createPostgresEventStore({ url: databaseUrl, application: 'guarantees' });
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
