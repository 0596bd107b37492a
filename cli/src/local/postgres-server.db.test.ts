import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ownPostgres, testDatabase } from '@annals/testing/servers/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from './free-port.ts';
import { startPostgres } from './postgres-server.ts';

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof ownPostgres>>;
  beforeAll(async () => {
    server = await ownPostgres();
  });
  afterAll(() => server.remove());

  test('keeps committed data over a restart and over kill -9', async () => {
    await query(server.url, 'create table kept (n int); insert into kept values (1)');
    await server.restart();
    await query(server.url, 'insert into kept values (2)');
    await server.kill();
    await server.start();
    const { rows } = await query(server.url, 'select sum(n)::int as sum from kept');
    expect(rows).toEqual([{ sum: 3 }]);
  });

  test('listens on loopback alone and asks for a password', async () => {
    const { rows } = await query(server.url, "select current_setting('listen_addresses') as at");
    expect(rows).toEqual([{ at: '127.0.0.1' }]);
    const withoutPassword = new URL(server.url);
    withoutPassword.password = 'wrong';
    await expect(query(withoutPassword.href, 'select 1')).rejects.toThrow(/password/);
  });

  test('an orphan on the same data does not stop the next start', async () => {
    await server.start();
    await expect(query(server.url, 'select 1')).resolves.toBeDefined();
  });

  test('knows letters beyond ASCII', async () => {
    const { rows } = await query(
      server.url,
      "select lower('ÄÖ') as lower, to_tsvector('simple', '“Größe”')::text as words",
    );
    expect(rows).toEqual([{ lower: 'äö', words: "'größe':1" }]);
  });
});

test.runIf(process.getuid?.() === 0)(
  'in a folder that root alone can enter, the database lives elsewhere, and is found there again',
  async () => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'annals-root-'));
    await chmod(dataFolder, 0o700);
    const [port = 0] = await freePorts(1);
    const options = { dataFolder, port, password: 'secret' };
    const first = await startPostgres(options);
    expect([first.isElsewhere, first.cluster.startsWith(dataFolder)]).toEqual([true, false]);
    await query(first.url, 'create table kept (n int)');
    await first.stop();
    const second = await startPostgres(options);
    expect(second.cluster).toBe(first.cluster);
    await query(second.url, 'select * from kept');
    await second.stop();
    await rm(dirname(second.cluster), { recursive: true });
    await rm(dataFolder, { recursive: true });
  },
);

test('databases of tests are apart', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
  await query(one.url, 'create table t (n int)');
  await expect(query(two.url, 'select * from t')).rejects.toThrow(/does not exist/);
  await Promise.all([one.drop(), two.drop()]);
});
