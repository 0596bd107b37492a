import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { testDatabase } from '@annals/testing/servers/postgres';
import { expect, test } from 'vitest';
import { once } from './periodic.ts';
import { migrations } from './schema.ts';

test('I9 a shared task is done by one replica per interval, whoever comes first', async () => {
  const database = await testDatabase();
  const pool = createPool({ url: database.url, application: 'test' });
  await migrate(pool, 'command-api', migrations);
  const done: number[] = [];
  const replicas = [1, 2, 3].map((replica) =>
    once(pool, { name: 'sweep', everyMs: 60_000, run: async () => void done.push(replica) }),
  );
  await Promise.all(replicas.map(({ run }) => run()));
  expect(done).toHaveLength(1);
  await pool.query(`update command_api.chores set done_at = done_at - interval '1 minute'`);
  await Promise.all(replicas.map(({ run }) => run()));
  expect(done).toHaveLength(2);
  await pool.end();
  await database.drop();
});
