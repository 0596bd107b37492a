import { type TestDatabase, testDatabase } from '@annals/testing/servers/postgres';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isTransient } from './errors.ts';
import { createListener } from './listener.ts';
import { migrate } from './migrate.ts';
import { createPool, unhurried } from './pool.ts';
import { transaction } from './transaction.ts';

let database: TestDatabase;
let pool: pg.Pool;
/** A connection that no test cuts. */
let admin: pg.Client;

beforeAll(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, application: 'basics', max: 5 });
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await pool.end();
  await admin.end();
  await database.drop();
});

async function cut(application: string): Promise<number> {
  const { rowCount } = await admin.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1',
    [application],
  );
  return rowCount ?? 0;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a pool', () => {
  test('outlives the loss of its connections, idle or in use', async () => {
    const client = await pool.connect();
    await pool.query('select 1');
    expect(await cut('basics')).toBe(2);
    expect(isTransient(await errorOf(client.query('select 1')))).toBe(true);
    client.release(true);
    await expect
      .poll(() => pool.query('select 2 as two').then(({ rows }) => rows, errorOf), { interval: 5 })
      .toEqual([{ two: 2 }]);
  });

  test('a connection that ends under a statement is a transient error', async () => {
    const sleeping = errorOf(pool.query('select pg_sleep(30)'));
    await expect.poll(() => cut('basics'), { interval: 5 }).toBeGreaterThan(0);
    expect(isTransient(await sleeping)).toBe(true);
  });

  test('statements are cancelled after their time, which is transient too', async () => {
    const hasty = createPool({ url: database.url, application: 'hasty', statementTimeoutMs: 20 });
    const error = await errorOf(hasty.query('select pg_sleep(30)'));
    expect(error).toMatchObject({ code: '57014' });
    expect(isTransient(error)).toBe(true);
    await hasty.end();
  });

  test('a connection without an answer is given up, which is transient too', async () => {
    const url = database.url;
    const impatient = createPool({ url, application: 'impatient', answerTimeoutMs: 200, max: 1 });
    expect(isTransient(await errorOf(impatient.query('select pg_sleep(30)')))).toBe(true);
    expect((await impatient.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    await impatient.end();
  });

  test.each([false, true])(
    'a server that is gone without a word holds nobody up (pipeline: %s)',
    async (pipeline) => {
      const { hostname: host, port } = new URL(database.url);
      const proxy = await tcpProxy({ host, port: Number(port) });
      const url = Object.assign(new URL(database.url), { hostname: '127.0.0.1', port: proxy.port }).href;
      const patient = createPool({ url, application: 'patient', statementTimeoutMs: 100, max: 1, pipeline });
      await patient.query('select 1');
      proxy.dropAnswers();
      expect(isTransient(await errorOf(patient.query('select 2')))).toBe(true);
      expect((await patient.query('select 3 as three')).rows).toEqual([{ three: 3 }]);
      await patient.end();
      await proxy.close();
    },
  );

  test('some statements may take their time', async () => {
    const impatient = createPool({ url: database.url, application: 'impatient', answerTimeoutMs: 100 });
    await impatient.query(unhurried('select pg_sleep($1)', [0.4]));
    await impatient.end();
  });

  test('mistakes are not transient; a server that is not there is', async () => {
    expect(isTransient(await errorOf(pool.query('select no_such_column')))).toBe(false);
    expect(isTransient(await errorOf(pool.query('select 1/0')))).toBe(false);
    const nowhere = createPool({ url: 'postgres://nobody@127.0.0.1:1/none', application: 'x' });
    expect(isTransient(await errorOf(nowhere.query('select 1')))).toBe(true);
    await nowhere.end();
  });
});

describe('transaction', () => {
  beforeAll(async () => {
    await pool.query('create table counted (n int primary key)');
  });

  test('commits what the work wrote and gives its result', async () => {
    const result = await transaction(pool, async (client) => {
      await client.query('insert into counted values (1)');
      return 'done';
    });
    expect(result).toBe('done');
    expect((await pool.query('select n from counted')).rows).toEqual([{ n: 1 }]);
  });

  test('writes nothing where the work throws', async () => {
    const error = await errorOf(
      transaction(pool, async (client) => {
        await client.query('insert into counted values (2)');
        throw new Error('no');
      }),
    );
    expect(error).toMatchObject({ message: 'no' });
    expect((await pool.query('select n from counted where n = 2')).rows).toEqual([]);
  });

  test('throws where a failed statement was swallowed: COMMIT was a rollback', async () => {
    const swallowing = transaction(pool, async (client) => {
      await client.query('insert into counted values (3)');
      await errorOf(client.query('select no_such_column'));
    });
    await expect(swallowing).rejects.toThrow('rolled back');
    expect((await pool.query('select n from counted where n = 3')).rows).toEqual([]);
  });

  test('gives back the connection, also after it was cut', async () => {
    for (let n = 0; n < 10; n++) {
      const error = await errorOf(
        transaction(pool, async (client) => {
          await cut('basics');
          await client.query('select 1');
        }),
      );
      expect(isTransient(error)).toBe(true);
    }
    expect(pool.totalCount).toBeLessThanOrEqual(5);
    expect(await transaction(pool, async () => 'still works')).toBe('still works');
  });
});

describe('migrate', () => {
  test('runs each step once, in order, however many processes start at once', async () => {
    const steps = [
      { id: '1', sql: 'create schema steps; create table steps.log (step text);' },
      { id: '2', sql: "insert into steps.log values ('second')" },
    ];
    await Promise.all(Array.from({ length: 5 }, () => migrate(pool, 'steps', steps)));
    await migrate(pool, 'steps', [...steps, { id: '3', sql: "insert into steps.log values ('third')" }]);
    await migrate(pool, 'steps', steps);
    expect((await pool.query('select step from steps.log')).rows).toEqual([
      { step: 'second' },
      { step: 'third' },
    ]);
  });

  test('a step that fails leaves nothing, and runs again next time', async () => {
    const broken = [
      { id: '1', sql: 'create table half (n int)' },
      { id: '2', sql: 'select no_such_column' },
    ];
    expect(await errorOf(migrate(pool, 'half', broken))).toMatchObject({ code: '42703' });
    expect((await pool.query("select to_regclass('half') as half")).rows).toEqual([{ half: null }]);
    await migrate(pool, 'half', [{ id: '1', sql: 'create table half (n int)' }]);
  });
});

describe('a listener', () => {
  test('hears its channels, hears them again after a loss and says so, until told to stop', async () => {
    const onReconnect = vi.fn();
    const listener = createListener({ url: database.url, application: 'listener', onReconnect });
    const heard: string[] = [];
    const stop = await listener.listen('a "channel"', (payload) => heard.push(payload));
    await listener.listen('other', (payload) => heard.push(`other ${payload}`));
    const tell = (channel: string, payload: string) =>
      admin.query('select pg_notify($1, $2)', [channel, payload]);
    await tell('a "channel"', 'one');
    await tell('other', 'two');
    await expect.poll(() => heard, { interval: 5 }).toEqual(['one', 'other two']);

    expect(await cut('listener')).toBe(1);
    await expect.poll(() => onReconnect.mock.calls.length, { interval: 5 }).toBe(1);
    await tell('a "channel"', 'three');
    await expect.poll(() => heard.at(-1), { interval: 5 }).toBe('three');

    await stop();
    await tell('a "channel"', 'four');
    await tell('other', 'five');
    await expect.poll(() => heard.slice(2), { interval: 5 }).toEqual(['three', 'other five']);
    await listener.close();
    await expect(listener.listen('late', () => {})).rejects.toThrow('closed');
  });

  test('waits for a server that is away, and closes all the same', async () => {
    const listener = createListener({ url: 'postgres://nobody@127.0.0.1:1/none', application: 'x' });
    const listening = errorOf(listener.listen('channel', () => {}));
    await listener.close();
    expect(await listening).toMatchObject({ message: 'the listener is closed' });
  });

  test.each([0, 1, 5, 20])('closes %i ms into its connecting', async (milliseconds) => {
    const listener = createListener({ url: database.url, application: 'closed early' });
    const listening = errorOf(listener.listen('channel', () => {}));
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    await listener.close();
    await listening;
  });
});
