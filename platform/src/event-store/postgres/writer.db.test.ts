import { testDatabase } from '@annals/testing/servers/postgres';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { expect, test } from 'vitest';
import { WriterConnection } from './writer.ts';

test('a connection that hangs is given up within a second or so, and the next one ends what it left at work', async () => {
  const database = await testDatabase();
  const url = new URL(database.url);
  const proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${proxy.port}`;
  const writer = new WriterConnection({ url: url.href, application: 'test' });
  const { client } = await writer.connection();
  proxy.dropAnswers();
  const unanswered = client.query('select pg_sleep(60)').catch((error: Error) => error);
  const started = performance.now();
  await writer.discard();
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(await unanswered).toBeInstanceOf(Error);
  const next = await writer.connection();
  const { rows } = await next.client.query(
    `select from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and pid <> pg_backend_pid()`,
  );
  expect(rows).toEqual([]);
  await writer.discard();
  await proxy.close();
  await database.drop();
});
