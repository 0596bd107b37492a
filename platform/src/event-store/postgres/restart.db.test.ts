import { randomUUID } from 'node:crypto';
import { type OwnPostgres, ownPostgres } from '@annals/testing/servers/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventStore, NewEvent } from '../port.ts';
import { createPostgresEventStore } from './store.ts';

function newEvent(data: unknown): NewEvent {
  return { id: randomUUID(), type: 'ThingHappened', data, metadata: {} };
}

describe('the server of the log', () => {
  let server: OwnPostgres;
  let store: EventStore;
  beforeAll(async () => {
    server = await ownPostgres();
    store = await createPostgresEventStore({ url: server.url, application: 'restart' });
  });
  afterAll(async () => {
    await store.close();
    await server.remove();
  });

  test.each(['restart', 'kill'] as const)(
    'after its %s what was acknowledged is there, writers and a live subscription go on, in order and once',
    async (how) => {
      const from = await store.head();
      const seen: { stream: string; n: unknown }[] = [];
      const following = (async () => {
        for await (const batch of store.subscribe({ from, batchSize: 10 })) {
          seen.push(...batch.events.map((event) => ({ stream: event.stream, n: event.data })));
          if (batch.events.some((event) => event.type === 'Last')) break;
        }
      })();
      let acknowledged = 0;
      let isOver = false;
      const streams = Array.from({ length: 10 }, () => `thing-${randomUUID()}`);
      const writing = streams.map(async (stream) => {
        let n = 0;
        for (; !isOver; n++) {
          await store.append(stream, [newEvent(n)], n === 0 ? 'none' : n - 1);
          acknowledged++;
        }
        return n;
      });
      await expect.poll(() => acknowledged, { interval: 1, timeout: 10_000 }).toBeGreaterThan(100);
      if (how === 'restart') await server.restart();
      else await server.kill().then(() => server.start());
      const before = acknowledged;
      await expect.poll(() => acknowledged, { interval: 1, timeout: 10_000 }).toBeGreaterThan(before + 100);
      isOver = true;
      const counts = await Promise.all(writing);
      await store.append(`thing-${randomUUID()}`, [{ ...newEvent(0), type: 'Last' }], 'none');
      await following;
      for (const [index, stream] of streams.entries()) {
        const numbers = seen.filter((event) => event.stream === stream).map(({ n }) => n);
        expect(numbers).toEqual(Array.from({ length: counts[index] ?? 0 }, (_, n) => n));
      }
    },
  );

  test('while it is away appends and reads wait for it, and closing does not hang', async () => {
    const patient = await createPostgresEventStore({ url: server.url, application: 'restart' });
    const stream = `thing-${randomUUID()}`;
    await patient.append(stream, [newEvent(0)], 'none');
    await server.stop();
    const appending = patient.append(stream, [newEvent(1)], 0);
    const reading = patient.read(stream);
    const subscription = patient.subscribe({ from: 'end' })[Symbol.asyncIterator]();
    const pending = subscription.next();
    await server.start();
    expect((await appending).revision).toBe(1);
    expect((await reading).length).toBeGreaterThan(0);
    await pending;
    await server.stop();
    await patient.close();
    await server.start();
  });
});
