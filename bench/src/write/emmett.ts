/** emmett-postgresql, an event store on PostgreSQL for Node: appends with an expected version, and its consumer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { getPostgreSQLEventStore, postgreSQLEventStoreConsumer } from '@event-driven-io/emmett-postgresql';
import { withClient } from '../kit/postgres.ts';
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
    async close() {
      await store.close();
      await disconnected(url);
    },
  };
}

const POLL_MS = 20;
const POLLS = 250;

/**
 * Its connections end a moment after it says so; a server that stops before would end the process by an error of theirs. Waits for
 * five seconds at most.
 */
function disconnected(url: string): Promise<void> {
  return withClient(url, async (client) => {
    for (let polls = 0; polls < POLLS; polls++) {
      const { rowCount } = await client.query(
        `select from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
      );
      if (rowCount === 0) return;
      await sleep(POLL_MS);
    }
  });
}
