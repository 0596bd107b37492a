/** What the tests of the client's hazards share: a stand-in, and stores on it with short times. */
import { randomUUID } from 'node:crypto';
import {
  type EventStoreDbStandIn,
  type RawEvent,
  startEventStoreDbStandIn,
} from '@annals/testing/servers/eventstoredb-stand-in/stand-in';
import { type TcpProxy, tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { vi } from 'vitest';
import type { EventBatch, EventStore, NewEvent } from '../port.ts';
import { createEventStoreDbEventStore } from './store.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

interface Timing {
  readonly answerMs: number;
  readonly watchMs: number;
}

/** Short, so that what must be waited for takes no longer than it must. */
const SHORT: Timing = { answerMs: 700, watchMs: 150 };

export interface Hazards {
  readonly server: EventStoreDbStandIn;
  readonly store: EventStore;
  /** Another store; closed in the end. */
  open(timing?: Partial<Timing>): Promise<EventStore>;
  /** The same with a proxy between it and the server. */
  openBehindProxy(timing?: Partial<Timing>): Promise<{ proxy: TcpProxy; remote: EventStore }>;
  close(): Promise<void>;
}

export async function openHazards(): Promise<Hazards> {
  const server = await startEventStoreDbStandIn();
  const opened: EventStore[] = [];
  const proxies: TcpProxy[] = [];
  const openAt = async (url: string, timing: Partial<Timing> = {}): Promise<EventStore> => {
    const application = 'hazards';
    const one = await createEventStoreDbEventStore({ url, application, timing: { ...SHORT, ...timing } });
    opened.push(one);
    return one;
  };
  return {
    server,
    store: await openAt(server.url),
    open: (timing) => openAt(server.url, timing),
    openBehindProxy: async (timing) => {
      const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port });
      proxies.push(proxy);
      return { proxy, remote: await openAt(`esdb://127.0.0.1:${proxy.port}?tls=false`, timing) };
    },
    close: async () => {
      await Promise.all(opened.map((one) => one.close()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await server.remove();
    },
  };
}

export function newEvent(data: unknown = {}): NewEvent {
  return { id: randomUUID(), type: 'ThingHappened', data, metadata: {} };
}

/** An event as it goes past the client. */
export function raw(): RawEvent {
  return { id: randomUUID(), type: 'Raw', contentType: 'application/json', data: '{}', metadata: '{}' };
}

export function newStream(): string {
  return `thing-${randomUUID()}`;
}

export async function next(batches: AsyncIterator<EventBatch>): Promise<EventBatch> {
  const result = await batches.next();
  if (result.done) throw new Error('the subscription has ended');
  return result.value;
}

/** A live subscription, and what it delivers, by the numbers in its events' data. */
export async function follow(store: EventStore) {
  const batches = store.subscribe({ from: 'end' })[Symbol.asyncIterator]();
  await next(batches);
  const seen: unknown[] = [];
  return {
    until: async (count: number): Promise<readonly unknown[]> => {
      while (seen.length < count) seen.push(...(await next(batches)).events.map(({ data }) => data));
      return seen;
    },
    end: () => batches.return?.(),
  };
}

/** Appends `count` events in a row to a stream of their own, with the numbers from `from` on as data. */
export async function write(store: EventStore, count: number, from = 0): Promise<void> {
  const stream = newStream();
  for (let n = 0; n < count; n++) await store.append(stream, [newEvent(from + n)], n === 0 ? 'none' : n - 1);
}
