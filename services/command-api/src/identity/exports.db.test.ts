import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { uuidv7 } from '@annals/platform/uuid';
import { testDatabase } from '@annals/testing/servers/postgres';
import { expect, test } from 'vitest';
import { migrations } from '../schema.ts';
import { createExports } from './exports.ts';

test('I8 a user gets so many exports a day, also when replicas are asked at once, and keeps what an attempt staged', async () => {
  const database = await testDatabase();
  const pool = createPool({ url: database.url, application: 'test' });
  await migrate(pool, 'command-api', migrations);
  const [one, another] = [1, 2].map(() => createExports(pool, createMemoryKeyStore()));
  if (!one || !another) throw new Error('two replicas');
  const [ada, grace] = [uuidv7(), uuidv7()];
  const ids = Array.from({ length: 8 }, uuidv7);
  // Connections that are open already, or else they come one after the other.
  await Promise.all(ids.map(() => pool.query('select pg_sleep(0.1)')));
  const staged = await Promise.all(
    ids.map(async (id, at) => ((await (at % 2 === 0 ? one : another).stage(id, ada, 3)) ? [id] : [])),
  ).then((made) => made.flat());
  expect(staged).toHaveLength(3);
  expect(await one.stage(staged[0] ?? '', ada, 3)).toBe(true);
  expect(await one.stage(uuidv7(), grace, 3)).toBe(true);
  await pool.query(
    `update command_api.exports set requested_at = now() - interval '25 hours' where id = $1`,
    [staged[0]],
  );
  expect(await one.stage(uuidv7(), ada, 3)).toBe(true);
  expect(await one.stage(uuidv7(), ada, 3)).toBe(false);
  await pool.end();
  await database.drop();
});
