import type { Caller } from '@annals/platform/http/types';
import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { keyedHash } from '@annals/platform/privacy/keyed-hash';
import { createLogger } from '@annals/platform/telemetry/logger';
import { uuidv7 } from '@annals/platform/uuid';
import { testDatabase } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrations } from '../schema.ts';
import { createIdempotency, type Idempotency, type KeyedRequest, type Running } from './idempotency.ts';
import { createIdempotencyTable } from './table.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, application: 'test' });
  await migrate(pool, 'command-api', migrations);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const hash = (...parts: string[]) => keyedHash(Buffer.alloc(32), ...parts);
const logger = createLogger({ service: 'test', level: 'silent' });
const answer = { status: 201, headers: { etag: '"0"' }, body: '{"id":"1"}' };
const ada: Caller = { kind: 'user', userId: 'ada', sessionId: 's', permissions: new Set(), address: '::1' };
const worker: Caller = { kind: 'service', name: 'worker', address: '::1' };
const anonymous: Caller = { kind: 'anonymous', address: '::1' };

/** A replica of command-api whose leases last as long as given. */
function replica(leaseSeconds = 10): Idempotency {
  return createIdempotency({ table: createIdempotencyTable(pool, leaseSeconds), hash, logger });
}

let keys = 0;
function keyed(fields: Partial<KeyedRequest> = {}): KeyedRequest {
  const key = `key-${keys++}`;
  return {
    key,
    caller: ada,
    method: 'POST',
    path: '/v1/articles',
    body: { title: 'x' },
    ifMatch: null,
    ...fields,
  };
}

async function start(idempotency: Idempotency, request: KeyedRequest): Promise<Running> {
  const begun = await idempotency.begin(request);
  if (begun.kind !== 'running') throw new Error('a replay');
  return begun;
}

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error) => error.code as string,
  );

describe('a key', () => {
  test('gives the first answer again, said to be a replay', async () => {
    const request = keyed();
    await (await start(replica(), request)).answer(answer);
    expect(await replica().begin(request)).toEqual({
      kind: 'replay',
      response: { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } },
    });
  });

  test('is refused while its first request runs, here and elsewhere', async () => {
    const request = keyed();
    const idempotency = replica();
    await start(idempotency, request);
    expect(await code(idempotency.begin(request))).toBe('idempotency-in-flight');
    expect(await code(replica().begin(request))).toBe('idempotency-in-flight');
  });

  test.each([
    ['body', { body: { title: 'y' } }],
    ['condition', { ifMatch: 3 }],
  ])('is refused with another %s', async (_name, other) => {
    const request = keyed();
    await (await start(replica(), request)).answer(answer);
    expect(await code(replica().begin({ ...request, ...other }))).toBe('idempotency-key-reused');
  });

  test('of another request that still runs is refused as well', async () => {
    const request = keyed();
    await start(replica(), request);
    expect(await code(replica().begin({ ...request, body: 'other' }))).toBe('idempotency-key-reused');
  });

  test('belongs to its caller, its method and its path; an anonymous one to its request too', async () => {
    const request = keyed();
    const idempotency = replica();
    const ids = await Promise.all(
      [
        request,
        { ...request, caller: { ...ada, userId: 'grace' } },
        { ...request, caller: worker },
        { ...request, method: 'PUT' },
        { ...request, path: '/v1/comments' },
        { ...request, caller: anonymous },
        { ...request, caller: anonymous, body: { title: 'y' } },
      ].map(async (each) => (await start(idempotency, each)).ticket.commandId),
    );
    expect(new Set(ids).size).toBe(7);
  });

  test('is free after a request that had no effect', async () => {
    const request = keyed();
    const first = await start(replica(), request);
    await first.forget();
    const second = await start(replica(), { ...request, body: 'corrected' });
    expect(second.ticket.isFirst).toBe(true);
  });

  test('is replayed as soon as its answer was given, though that is not stored yet', async () => {
    const request = keyed();
    const idempotency = replica();
    await (await start(idempotency, request)).answerLater(answer);
    expect(await idempotency.begin(request)).toMatchObject({ kind: 'replay', response: { status: 201 } });
  });

  test('of many requests at once lets one run, in one replica and over several', async () => {
    const request = keyed();
    const replicas = [replica(), replica()];
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, n) => code((replicas[n % 2] as Idempotency).begin(request))),
    );
    expect(results.filter((each) => each === 'none')).toHaveLength(1);
    expect(new Set(results)).toEqual(new Set(['none', 'idempotency-in-flight']));
  });
});

describe('an attempt that died', () => {
  test('is taken over once its lease ran out, with the ids and the time that it fixed', async () => {
    const request = keyed();
    const first = await start(replica(-1), request);
    const second = await start(replica(), request);
    expect(second.ticket).toEqual({ ...first.ticket, isFirst: false });
  });

  test('is taken over at once where it gave up without knowing its outcome', async () => {
    const request = keyed();
    const first = await start(replica(), request);
    await first.surrender();
    expect((await start(replica(), request)).ticket).toEqual({ ...first.ticket, isFirst: false });
  });

  test('is not taken over by another request', async () => {
    const request = keyed();
    await start(replica(-1), request);
    expect(await code(replica().begin({ ...request, body: 'other' }))).toBe('idempotency-key-reused');
  });

  test('and comes back late neither writes its answer nor frees the key', async () => {
    const request = keyed();
    const late = await start(replica(-1), request);
    const second = await start(replica(), request);
    await late.answer({ ...answer, status: 409 });
    await late.forget();
    await second.answer(answer);
    expect(await replica().begin(request)).toMatchObject({ kind: 'replay', response: { status: 201 } });
  });

  test('is not forgotten by the one that took it over: it may still come about', async () => {
    const request = keyed();
    const first = await start(replica(-1), request);
    await (await start(replica(), request)).forget();
    expect((await start(replica(), request)).ticket).toEqual({ ...first.ticket, isFirst: false });
  });

  test('is not taken over while its lease is renewed', async () => {
    const request = keyed();
    const table = createIdempotencyTable(pool, 1);
    const living = createIdempotency({ table, hash, logger });
    const first = await start(living, request);
    await pool.query(
      `update command_api.idempotency set lease_until = now() - interval '1 second' where command_id = $1`,
      [first.ticket.commandId],
    );
    await living.renewLeases();
    expect(await code(replica().begin(request))).toBe('idempotency-in-flight');
  });
});

describe('rows', () => {
  test('are written in batches', async () => {
    const statements: string[] = [];
    const query = (statement: { text: string }) => {
      statements.push(statement.text);
      return pool.query(statement);
    };
    const counting = { query };
    const table = createIdempotencyTable(counting as unknown as pg.Pool, 10);
    const idempotency = createIdempotency({ table, hash, logger });
    const started = await Promise.all(Array.from({ length: 50 }, () => start(idempotency, keyed())));
    expect(statements).toHaveLength(1);
    await Promise.all(started.map((running) => running.answer(answer)));
    expect(statements).toHaveLength(2);
  });

  test('are on disk before anything follows from them; only the answers of what the log holds are not', async () => {
    const commits: string[] = [];
    const query = async (statement: pg.QueryConfig) => {
      const client = await pool.connect();
      // The tests' server has it off.
      await client.query('begin');
      await client.query('set local synchronous_commit = on');
      const result = await client.query(statement);
      const { rows } = await client.query<{ synchronous_commit: string }>('show synchronous_commit');
      await client.query('commit');
      client.release();
      commits.push(rows[0]?.synchronous_commit ?? '');
      return result;
    };
    const watching = { query };
    const table = createIdempotencyTable(watching as unknown as pg.Pool, 10);
    const idempotency = createIdempotency({ table, hash, logger });
    const requests = [keyed(), keyed()] as const;
    await (await start(idempotency, requests[0])).answer(answer);
    expect(commits).toEqual(['on', 'on']);
    await (await start(idempotency, requests[1])).answerLater(answer);
    await idempotency.drain();
    expect(commits).toEqual(['on', 'on', 'on', 'off']);
    for (const request of requests) expect((await replica().begin(request)).kind).toBe('replay');
  });

  test('of users are kept for a day at least, those of services for ever', async () => {
    const mine = keyed();
    const services = keyed({ caller: worker });
    const [one, other] = [await start(replica(), mine), await start(replica(), services)];
    await Promise.all([one.answer(answer), other.answer(answer)]);
    const age = (interval: string) =>
      pool.query(`update command_api.idempotency set expires_at = expires_at - $1::interval`, [interval]);
    await age('24 hours');
    await replica().sweep();
    expect((await replica().begin(mine)).kind).toBe('replay');
    await age('2 hours');
    await replica().sweep();
    expect((await replica().begin(mine)).kind).toBe('running');
    expect((await replica().begin(services)).kind).toBe('replay');
  });

  test.each(['complete', 'completeAppended'] as const)(
    'are locked in one order: %s and the renewal of leases never wait for each other in a circle',
    async (ending) => {
      const table = createIdempotencyTable(pool, 10);
      const rows = ['a', 'b', 'c'].map((digit) => ({
        commandId: `${digit.repeat(8)}${uuidv7().slice(8)}`,
        owner: uuidv7(),
      }));
      const fixed = { requestHash: '', newId: uuidv7(), now: new Date().toISOString(), neverExpires: true };
      await Promise.all(rows.map((row) => table.begin({ ...row, ...fixed })));
      // Both wait for the row in the middle, each with what it met before it.
      const holder = await pool.connect();
      await holder.query('begin');
      await holder.query('select from command_api.idempotency where command_id = $1 for update', [
        rows[1]?.commandId,
      ]);
      const work = [
        table.renew(rows),
        ...rows.toReversed().map((row) => table[ending]({ ...row, ...answer })),
      ];
      const waiting = `select count(*)::int as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      await expect.poll(async () => (await pool.query(waiting)).rows[0].count).toBe(2);
      await holder.query('commit');
      holder.release();
      await Promise.all(work);
    },
  );

  test('of services derive what they fix from the key, so that not even a lost row matters', async () => {
    const request = keyed({ caller: worker });
    const first = await start(replica(), request);
    await first.forget();
    const second = await start(replica(), request);
    expect(second.ticket).toMatchObject({ commandId: first.ticket.commandId, newId: first.ticket.newId });
  });

  test('hold the request only as a keyed hash', async () => {
    await start(replica(), keyed({ body: { password: 'Correct-horse-battery-7' } }));
    const { rows } = await pool.query(
      'select row_to_json(idempotency)::text as text from command_api.idempotency',
    );
    expect(rows.map(({ text }) => text).join()).not.toContain('horse');
  });
});
