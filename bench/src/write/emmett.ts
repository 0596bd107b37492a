/** emmett-postgresql, an event store on PostgreSQL for Node: appends with an expected version, and its consumer. */

import { getPostgreSQLEventStore, postgreSQLEventStoreConsumer } from '@event-driven-io/emmett-postgresql';
import type { AppendOne } from './append-load.ts';

/** Opens it on an empty database. */
export async function openEmmett(url: string): Promise<{
  append: AppendOne;
  /** Follows the log from its start; `seen`: how many events its consumer was given. */
  follow(): { seen(): number; stop(): Promise<void> };
  close(): Promise<void>;
}> {
  const store = getPostgreSQLEventStore(url);
  await store.schema.migrate();
  const append: AppendOne = (stream, expected, { type, data, metadata }) =>
    store.appendToStream(
      stream,
      [{ type, data: data as Record<string, unknown>, metadata: metadata as never }],
      {
        expectedStreamVersion: expected < 0 ? 'STREAM_DOES_NOT_EXIST' : BigInt(expected + 1),
      },
    );
  return {
    append,
    follow() {
      let seen = 0;
      const consumer = postgreSQLEventStoreConsumer({ connectionString: url, pulling: { batchSize: 1_000 } });
      consumer.reactor({
        processorId: 'bench',
        startFrom: 'BEGINNING',
        eachMessage: () => {
          seen++;
        },
      });
      void consumer.start();
      return {
        seen: () => seen,
        stop: () => consumer.close(),
      };
    },
    close: () => store.close(),
  };
}
