/** The event store as its users see it, and the same statements driven without it. */
import { randomUUID } from 'node:crypto';
import type { EventStore } from '@annals/platform/event-store/port';
import { appendStatements } from '@annals/platform/event-store/postgres/batch';
import { createCorkedClient } from '@annals/platform/postgres/corked-client';
import { connectionConfig } from '@annals/platform/postgres/pool';
import { type AppendOne, appendFor, benchEvent } from './append-load.ts';

/** Appends through the port. */
export function throughPort(store: EventStore): AppendOne {
  return (stream, expected, event) => store.append(stream, [event], expected < 0 ? 'none' : expected);
}

/** Appends per second through the port. */
export async function portRate(store: EventStore, inFlight: number, ms: number): Promise<number> {
  const { appended, seconds } = await appendFor(ms, inFlight, throughPort(store));
  return appended / seconds;
}

/**
 * The group-committed statements by themselves: batches of `size` appends one after the other on a pipelined
 * connection. No queue, no promise per append, and nobody waits for a single one.
 */
export async function openRaw(url: string): Promise<{
  rate(size: number, ms: number): Promise<number>;
  close(): Promise<void>;
}> {
  const config = connectionConfig({ url, application: 'bench-raw', pipeline: true });
  const { client, atOnce } = createCorkedClient(config);
  await client.connect();
  const streams = Array.from({ length: 256 }, () => ({ name: '', revision: 19 }));
  const batch = (size: number): [string, string] => {
    const requests: object[] = [];
    const events: object[] = [];
    for (let item = 0; item < size; item++) {
      const stream = streams[item];
      if (!stream) throw new Error('batches are of 256 appends at most');
      if (stream.revision >= 19) Object.assign(stream, { name: `comment-${randomUUID()}`, revision: -1 });
      const { id, type, data, metadata } = benchEvent();
      requests.push({
        item,
        stream: stream.name,
        expected: stream.revision,
        size: 1,
        first_id: id,
        is_retry: false,
      });
      events.push({
        item,
        number: 0,
        id,
        type,
        data: JSON.stringify(data),
        metadata: JSON.stringify(metadata),
      });
      stream.revision++;
    }
    return [JSON.stringify(requests), JSON.stringify(events)];
  };
  return {
    async rate(size, ms) {
      const start = performance.now();
      let appended = 0;
      while (performance.now() - start < ms) {
        const [, , answer] = await Promise.all(
          atOnce(() => [
            client.query('begin'),
            client.query(appendStatements.lock),
            client.query<{ position: string | null }>({ ...appendStatements.append, values: batch(size) }),
            client.query('commit'),
          ]),
        );
        if (answer.rows.some(({ position }) => position === null)) throw new Error('an append was refused');
        appended += size;
      }
      return (appended / (performance.now() - start)) * 1_000;
    },
    close: () => client.end(),
  };
}
