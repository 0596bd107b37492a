import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Acknowledged, Load } from '@annals/testing/fixtures/append-load';
import { testDatabase } from '@annals/testing/servers/postgres';
import { describe, expect, test } from 'vitest';
import type { StoredEvent } from '../port.ts';
import { formatPosition } from '../position.ts';
import { createPostgresEventStore } from './store.ts';

const PROCESSES = 3;
const APPENDS = 240;

async function appendFromProcess(load: Load): Promise<Acknowledged[]> {
  const child = fork(new URL(import.meta.resolve('@annals/testing/fixtures/append-load')), { execArgv: [] });
  child.send(load);
  const exited = once(child, 'exit');
  const [answer] = await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`the process ended with ${code}`))),
  ]);
  await exited;
  return answer;
}

describe('several processes', () => {
  test('append to the same and to other streams in mixed batches: gapless, in order, nothing skipped', async () => {
    const database = await testDatabase();
    const store = await createPostgresEventStore({ url: database.url, application: 'test' });
    const shared = ['thing-a', 'thing-b', 'thing-c', 'thing-d', 'thing-e'];
    const delivered: StoredEvent[] = [];
    let total = Number.NaN;
    const following = (async () => {
      for await (const batch of store.subscribe({ from: 'start', batchSize: 50 })) {
        delivered.push(...batch.events);
        if (delivered.length === total) break;
      }
    })();

    const loads = Array.from({ length: PROCESSES }, () =>
      appendFromProcess({ url: database.url, shared, appends: APPENDS }),
    );
    const acknowledged = (await Promise.all(loads)).flat();
    expect(acknowledged).toHaveLength(PROCESSES * APPENDS);
    const head = await store.head();
    total = Number.parseInt(head.slice(9), 16);
    // Wakes the subscription once more, now that it knows where to end.
    total += 1;
    await store.append(
      'thing-last',
      [{ id: crypto.randomUUID(), type: 'Last', data: {}, metadata: {} }],
      'none',
    );
    await following;

    const log = head.slice(0, 8);
    expect(delivered.map((event) => event.position)).toEqual(
      Array.from({ length: total }, (_, n) => formatPosition(log, n + 1)),
    );
    const byPlace = new Map(delivered.map((event) => [`${event.stream}@${event.revision}`, event]));
    expect(byPlace.size).toBe(total);
    for (const { stream, revision, id, position } of acknowledged) {
      expect(byPlace.get(`${stream}@${revision}`)).toMatchObject({ id, position });
    }
    for (const stream of shared) {
      const revisions = delivered.filter((event) => event.stream === stream).map((event) => event.revision);
      const count = acknowledged.filter((append) => append.stream === stream).length;
      expect(revisions).toEqual(Array.from({ length: count }, (_, revision) => revision));
    }
    await store.close();
    await database.drop();
  });
});
