import { type TestDatabase, testDatabase } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isTransient } from './errors.ts';
import { createPool } from './pool.ts';
import { createSharedConnections, type SharedConnections } from './shared-connections.ts';

let database: TestDatabase;
let pool: pg.Pool;
let shared: SharedConnections;
beforeEach(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, application: 'watcher' });
  shared = createSharedConnections({ url: database.url, application: 'sharer', statementTimeoutMs: 500 });
});
afterEach(async () => {
  await shared.end();
  await pool.end();
  await database.drop();
});

const connections = async (): Promise<number> => {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'sharer'`,
  );
  return rows.length;
};
const one = async (text: string): Promise<unknown> => {
  const connection = await shared.take();
  return (await connection.query<{ value: unknown }>({ text })).rows[0]?.value;
};

test('many ask at once on a few connections, and each gets its own answer', async () => {
  const values = Array.from({ length: 200 }, (_, index) => index);
  expect(await Promise.all(values.map((value) => one(`select ${value} as value`)))).toEqual(values);
  expect(await connections()).toBe(2);
});

test('more than can wait are refused, and the rest is answered', async () => {
  const connection = await shared.take();
  const asked = Array.from({ length: 5_001 }, () => connection.query({ name: 'one', text: 'select 1' }));
  const ends = await Promise.allSettled(asked);
  const refused = ends.filter((end) => end.status === 'rejected');
  expect(refused.map(({ reason }) => reason.code)).toEqual(['unavailable']);
  await connection.query({ text: 'select 1' });
});

test('a statement that fails or takes too long fails alone', async () => {
  const connection = await shared.take();
  const codes = await Promise.all(
    ['select 1', 'select 1 / 0', 'select pg_sleep(5)', 'select 2'].map((text) =>
      connection.query({ text }).then(
        () => 'an answer',
        (error: pg.DatabaseError) => error.code,
      ),
    ),
  );
  expect(codes).toEqual(['an answer', '22012', '57014', 'an answer']);
});

test('a connection that is lost fails all that waits for it, and the next taker gets another', async () => {
  const connection = await shared.take();
  const answers = ['select pg_sleep(5)', 'select 1'].map((text) =>
    connection.query({ text }).catch((error: unknown) => isTransient(error)),
  );
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sharer'`,
  );
  expect(await Promise.all(answers)).toEqual([true, true]);
  expect(await connection.query({ text: 'select 1' }).catch(isTransient)).toBe(true);
  expect(await Promise.all([1, 2, 3, 4].map((value) => one(`select ${value} as value`)))).toEqual([
    1, 2, 3, 4,
  ]);
});

test('a connection that does not answer for too long is given up', async () => {
  const impatient = createSharedConnections({
    url: database.url,
    application: 'sharer',
    answerTimeoutMs: 200,
  });
  const connection = await impatient.take();
  await connection.query({ text: 'select 1' });
  const answers = ['select pg_sleep(3)', 'select 1'].map((text) =>
    connection.query({ text }).catch((error: unknown) => isTransient(error)),
  );
  expect(await Promise.all(answers)).toEqual([true, true]);
  await impatient.end();
});

test('nothing is left open in the end', async () => {
  await Promise.all([one('select 1 as value'), one('select 2 as value')]);
  await shared.end();
  await vi.waitFor(async () => expect(await connections()).toBe(0), { timeout: 10_000, interval: 50 });
  await expect(shared.take()).rejects.toThrow('ended');
});
