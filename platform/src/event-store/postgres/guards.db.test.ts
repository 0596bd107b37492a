import { randomUUID } from 'node:crypto';
import { type TestDatabase, testDatabase } from '@annals/testing/servers/postgres';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPool } from '../../postgres/pool.ts';
import { type EventStore, EventStoreUnavailable, type NewEvent, RevisionConflict } from '../port.ts';
import { formatPosition } from '../position.ts';
import { LogReader } from './log-reader.ts';
import { ReadPool } from './read-pool.ts';
import { StreamReader } from './reader.ts';
import { CHANNEL } from './schema.ts';
import { createPostgresEventStore } from './store.ts';

const APPLICATION = 'guards';

let database: TestDatabase;
let store: EventStore;
let other: EventStore;
let admin: pg.Client;

beforeAll(async () => {
  database = await testDatabase();
  store = await createPostgresEventStore({ url: database.url, application: APPLICATION });
  other = await createPostgresEventStore({ url: database.url, application: APPLICATION });
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await Promise.all([store.close(), other.close(), admin.end()]);
  await database.drop();
});

function newEvent(type = 'ThingHappened'): NewEvent {
  return { id: randomUUID(), type, data: {}, metadata: {} };
}

function newStream(): string {
  return `thing-${randomUUID()}`;
}

async function lockHead(): Promise<void> {
  await admin.query('begin');
  await admin.query('select head from event_store.log for update');
}

/** Resolves once `count` backends wait for a lock. */
async function waiting(count: number): Promise<void> {
  const query = `select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  await expect
    .poll(async () => (await admin.query<{ count: number }>(query)).rows[0]?.count, { interval: 5 })
    .toBe(count);
}

async function headNumber(): Promise<number> {
  return Number.parseInt((await store.head()).slice(9), 16);
}

describe('the head lock', () => {
  test('an append that waited for its turn sees what was appended meanwhile: a conflict, not an error', async () => {
    const stream = newStream();
    await Promise.all([
      store.append(newStream(), [newEvent()], 'any'),
      other.append(newStream(), [newEvent()], 'any'),
    ]);
    const before = await headNumber();
    await lockHead();
    const appends = [store, other].map((each) => each.append(stream, [newEvent(), newEvent()], 'none'));
    const outcomes = Promise.allSettled(appends);
    await waiting(2);
    await admin.query('commit');
    const [won, lost] = (await outcomes).sort((left, right) => left.status.localeCompare(right.status));
    expect(won).toMatchObject({ status: 'fulfilled', value: { revision: 1 } });
    expect(lost).toMatchObject({ status: 'rejected', reason: { name: 'RevisionConflict', actual: 1 } });
    expect(await headNumber()).toBe(before + 2);
  });

  test('appends wait in a bounded queue; what does not fit is refused at once', async () => {
    await store.append(newStream(), [newEvent()], 'any');
    await lockHead();
    const appends = Array.from({ length: 10_300 }, () => store.append(newStream(), [newEvent()], 'none'));
    const settled = Promise.allSettled(appends);
    const refused = await Promise.allSettled(appends.slice(-10)).then((results) =>
      results.map((result) => (result.status === 'rejected' ? result.reason : undefined)),
    );
    expect(refused.every((reason) => reason instanceof EventStoreUnavailable)).toBe(true);
    await admin.query('commit');
    const results = await settled;
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(10_000);
  });
});

describe('the announcement', () => {
  test('tells the head after each batch that appended something, and only then', async () => {
    const listener = new pg.Client({ connectionString: database.url });
    await listener.connect();
    await listener.query(`listen ${CHANNEL}`);
    const heard: number[] = [];
    listener.on('notification', ({ payload }) => heard.push(Number(payload)));
    const before = await headNumber();
    const stream = newStream();
    await store.append(stream, [newEvent(), newEvent()], 'none');
    await expect(store.append(stream, [newEvent()], 'none')).rejects.toThrow(RevisionConflict);
    await store.append(stream, [newEvent()], 1);
    await expect.poll(() => heard, { interval: 5 }).toEqual([before + 2, before + 3]);
    await listener.end();
  });
});

describe('an append that the server refuses', () => {
  test('fails alone: the others of its batch are appended, in the order of their streams', async () => {
    const streams = Array.from({ length: 40 }, () => newStream());
    const before = await headNumber();
    const good = streams.map((stream) => store.append(stream, [newEvent(), newEvent()], 'none'));
    const bad = [
      store.append(newStream(), [newEvent('with\0NUL')], 'none'),
      store.append(newStream(), [{ ...newEvent(), id: 'not-a-uuid' }], 'none'),
      store.append('nul-\0', [newEvent()], 'any'),
    ];
    const more = streams.map((stream) => store.append(stream, [newEvent()], 1));
    for (const result of await Promise.allSettled(bad)) {
      expect(result.status).toBe('rejected');
      if (result.status === 'rejected') expect(result.reason).not.toBeInstanceOf(RevisionConflict);
    }
    expect((await Promise.all(good)).every(({ revision }) => revision === 1)).toBe(true);
    expect((await Promise.all(more)).every(({ revision }) => revision === 2)).toBe(true);
    expect(await headNumber()).toBe(before + 3 * streams.length);
  });

  test('appends to one stream never share a batch, where the later one would break it', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const logged = await createPostgresEventStore({ url: database.url, application: APPLICATION, logger });
    const stream = newStream();
    const appends = Array.from({ length: 12 }, (_, n) =>
      logged.append(stream, [newEvent()], n % 2 ? n - 1 : 'any'),
    );
    const revisions = (await Promise.all(appends)).map(({ revision }) => revision);
    expect(revisions).toEqual(Array.from({ length: 12 }, (_, n) => n));
    expect(lines).toEqual([]);
    await logged.close();
  });

  test('a read that the server refuses fails alone', async () => {
    const stream = newStream();
    await store.append(stream, [newEvent()], 'none');
    const reads = [store.read(stream), store.read('nul-\0'), store.read(stream)];
    const statuses = (await Promise.allSettled(reads)).map(({ status }) => status);
    expect(statuses).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('a lost connection', () => {
  async function throughProxy() {
    const url = new URL(database.url);
    const proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${proxy.port}`;
    const remote = await createPostgresEventStore({ url: url.href, application: APPLICATION });
    await remote.append(newStream(), [newEvent()], 'any');
    const end = async (): Promise<void> => {
      await remote.close();
      await proxy.close();
    };
    return { proxy, remote, end };
  }

  test.each(['any', 'none'] as const)(
    'the answer is lost (%s): the append is found, not repeated',
    async (expected) => {
      const { proxy, remote, end } = await throughProxy();
      const stream = newStream();
      const event = newEvent();
      proxy.dropAnswers();
      const appending = remote.append(stream, [event], expected);
      await expect.poll(async () => (await store.read(stream)).length, { interval: 5 }).toBe(1);
      await store.append(stream, [newEvent()], 0);
      proxy.cutClients();
      const [first] = await store.read(stream);
      expect(await appending).toEqual({ revision: 0, position: first?.position });
      expect(await store.read(stream)).toHaveLength(2);
      await end();
    },
  );

  test('the request arrives after its retry (any): the abandoned backend is ended first', async () => {
    const { proxy, remote, end } = await throughProxy();
    const stream = newStream();
    const event = newEvent();
    proxy.holdRequests();
    const appending = remote.append(stream, [event], 'any');
    // One turn of the loop later the statements are on their way.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    proxy.cutClients();
    await appending;
    proxy.release();
    await other.append(stream, [newEvent('Last')], 'any');
    await expect
      .poll(async () => (await store.read(stream)).map(({ type }) => type), { interval: 20 })
      .toEqual(['ThingHappened', 'Last']);
    await end();
  });
});

describe('reads of one turn of the loop', () => {
  test('go out as one statement', async () => {
    const stream = newStream();
    await store.append(
      stream,
      Array.from({ length: 5 }, () => newEvent()),
      'none',
    );
    const pool = createPool({ url: database.url, application: APPLICATION, max: 2 });
    const query = vi.spyOn(pool, 'query');
    const reader = new StreamReader(new ReadPool(pool), 'aaaaaaaa');
    const reads = Array.from({ length: 60 }, (_, n) => reader.read(stream, { from: n % 6 }));
    expect((await Promise.all(reads)).map((events) => events.length)).toEqual(
      Array.from({ length: 60 }, (_, n) => 5 - (n % 6)),
    );
    expect(query).toHaveBeenCalledTimes(1);
    await pool.end();
  });
});

describe('a page of the log', () => {
  test('ends where it has become large, whatever its limit, and says that more follows', async () => {
    const before = await headNumber();
    const large = 'x'.repeat(800_000);
    const events = Array.from({ length: 15 }, () => ({ ...newEvent(), data: large }));
    await store.append(newStream(), events, 'none');
    const pool = new ReadPool(createPool({ url: database.url, application: APPLICATION, max: 1 }));
    const reader = new LogReader(pool, 'aaaaaaaa');
    const page = await reader.page(formatPosition('aaaaaaaa', before), 1_000);
    expect(page).toMatchObject({ entries: { length: 11 }, isHead: false });
    expect(await reader.page(formatPosition('aaaaaaaa', before + 11), 1_000)).toMatchObject({
      entries: { length: 4 },
      isHead: true,
    });
    await pool.close();
  });
});
