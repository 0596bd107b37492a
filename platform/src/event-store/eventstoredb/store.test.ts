import { randomUUID } from 'node:crypto';
import { startEventStoreDbStandIn } from '@annals/testing/servers/eventstoredb-stand-in/stand-in';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { eventStoreSuite } from '@annals/testing/suites/event-store.suite';
import { expect, test, vi } from 'vitest';
import type { NewEvent } from '../port.ts';
import { createEventStoreDbEventStore } from './store.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const application = 'event-store-suite';

eventStoreSuite('EventStoreDB, for which a stand-in serves', {
  hasServer: true,
  createLog: async () => {
    const server = await startEventStoreDbStandIn();
    const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port });
    const url = `esdb://127.0.0.1:${proxy.port}?tls=false`;
    return {
      open: () => createEventStoreDbEventStore({ url, application }),
      restart: async () => proxy.cutClients(),
      drop: async () => {
        await proxy.close();
        await server.remove();
      },
    };
  },
});

test('after kill -9 of the server what was acknowledged is there, writers and a live subscription go on, in order and once', async () => {
  const server = await startEventStoreDbStandIn();
  const store = await createEventStoreDbEventStore({ url: server.url, application });
  const newEvent = (data: unknown, type = 'ThingHappened'): NewEvent => {
    return { id: randomUUID(), type, data, metadata: {} };
  };
  const seen: { stream: string; n: unknown }[] = [];
  const following = (async () => {
    for await (const batch of store.subscribe({ from: 'start', batchSize: 10 })) {
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
  for (let kills = 0; kills < 2; kills++) {
    const before = acknowledged;
    await expect.poll(() => acknowledged, { interval: 1, timeout: 20_000 }).toBeGreaterThan(before + 50);
    await server.restart();
  }
  isOver = true;
  const counts = await Promise.all(writing);
  await store.append(`thing-${randomUUID()}`, [newEvent(0, 'Last')], 'none');
  await following;
  for (const [index, stream] of streams.entries()) {
    const numbers = seen.filter((event) => event.stream === stream).map(({ n }) => n);
    expect(numbers).toEqual(Array.from({ length: counts[index] ?? 0 }, (_, n) => n));
  }
  // Another store knows the log again, by the id that it holds.
  const other = await createEventStoreDbEventStore({ url: server.url, application });
  await other.check(await store.head());
  await Promise.all([store.close(), other.close()]);
  await server.remove();
});
