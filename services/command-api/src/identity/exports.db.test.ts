import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { uuidv7 } from '@annals/platform/uuid';
import { testDatabase } from '@annals/testing/servers/postgres';
import { expect, test } from 'vitest';
import { migrations } from '../schema.ts';
import { createExports } from './exports.ts';

test('I8 exports of a day are counted per user, without the one that is asked for', async () => {
  const database = await testDatabase();
  const pool = createPool({ url: database.url, application: 'test' });
  await migrate(pool, 'command-api', migrations);
  const exports = createExports(pool, createMemoryKeyStore());
  const [ada, grace] = [uuidv7(), uuidv7()];
  const [old, own, other] = [uuidv7(), uuidv7(), uuidv7()];
  for (const id of [old, own, other, own]) await exports.stage(id, ada);
  await exports.stage(uuidv7(), grace);
  await pool.query(
    `update command_api.exports set requested_at = now() - interval '25 hours' where id = $1`,
    [old],
  );
  expect(await exports.countRecentBut(own, ada)).toBe(1);
  expect(await exports.countRecentBut(uuidv7(), ada)).toBe(2);
  await pool.end();
  await database.drop();
});
