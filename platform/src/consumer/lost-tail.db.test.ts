/** PostgreSQL crashes and loses the newest commits of views. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildCatalogue } from '@annals/contracts/catalogue';
import { counter, counting, eventually, noise } from '@annals/testing/consumer-kit';
import { ownPostgres } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createEventLog } from '../event-log/event-log.ts';
import { createPostgresEventStore } from '../event-store/postgres/store.ts';
import { createListener } from '../postgres/listener.ts';
import { createPool } from '../postgres/pool.ts';
import { createSharedConnections } from '../postgres/shared-connections.ts';
import { createMemoryKeyStore } from '../privacy/memory-keys.ts';
import { createPostgresDocuments } from '../read-store/postgres-documents.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createFreshness } from './freshness.ts';
import { createPostgresViewStore } from './postgres/store.ts';
import { createConsumers } from './runtime.ts';

const VIEW = 'counts_v1';
const silent = createLogger({ service: 'test', level: 'silent' });

test('a view that lost its newest commits in a crash is never taken for fresh, and folds what it lost again', async () => {
  const server = await ownPostgres();
  const pool = createPool({ url: server.url, application: 'owner', pipeline: true });
  const shared = createSharedConnections({ url: server.url, application: 'reader' });
  const listener = createListener({ url: server.url, application: 'reader' });
  const events = await createPostgresEventStore({ url: server.url, application: 'log' });
  const log = createEventLog({
    store: events,
    catalogue: buildCatalogue([counter, noise]),
    keys: createMemoryKeyStore(),
  });
  // Nothing but the view's commits may happen between append and crash: any other commit would save them.
  const open = () =>
    createConsumers({
      log,
      store: createPostgresViewStore({ pool }),
      consumers: [counting()],
      owner: 'one',
      logger: silent,
      metrics: new Registry(),
      tickMs: 600_000,
    });
  const freshness = createFreshness({ pool, shared, listener });
  const read = (minPosition: string | undefined, waitMs: number) =>
    freshness.read([VIEW], { minPosition, waitMs, isQuick: true }, async (client) => {
      const docs = await createPostgresDocuments(client).findByIds<{ seen: number[] }>(VIEW, ['a']);
      return docs.get('a')?.seen.length ?? 0;
    });
  const append = async (): Promise<string> => {
    const id = randomUUID();
    const metadata = {
      commandId: id,
      correlationId: id,
      causationId: id,
      occurredAt: new Date().toISOString(),
    };
    const event = { id, type: 'Counted', data: { id: 'a', by: 1 } };
    const actor = { kind: 'system', id: null } as const;
    return (await log.append('counter-a', [{ ...event, metadata: { ...metadata, actor } }], 'any')).position;
  };

  const consumers = open();
  await consumers.start();
  const first = await append();
  expect(await read(first, 10_000)).toMatchObject({ data: 1 });
  // A commit that waits makes what came before it durable.
  await pool.query('create table durable ()');

  const writer = await pidOf(pool, 'walwriter');
  process.kill(writer, 'SIGSTOP');
  const last = await append();
  expect(await read(last, 10_000)).toMatchObject({ data: 2, position: last });
  const crash = server.kill();
  process.kill(writer, 'SIGKILL');
  await crash;
  const stopped = consumers.stop();
  await server.start();
  await stopped;

  expect(await eventually(() => checkpointOf(pool))).toBe(first);
  expect(await read(undefined, 0)).toMatchObject({ data: 1, position: first, parked: 0 });
  await expect(read(last, 100)).rejects.toMatchObject({ code: 'projection-behind' });
  const again = open();
  await again.start();
  expect(await read(last, 20_000)).toMatchObject({ data: 2, position: last });

  await again.stop();
  await freshness.close();
  await listener.close();
  await shared.end();
  await events.close();
  await pool.end();
  await server.remove();
});

async function pidOf(pool: pg.Pool, backend: string): Promise<number> {
  for (;;) {
    const { rows } = await pool.query<{ pid: number }>(
      'select pid from pg_stat_activity where backend_type = $1',
      [backend],
    );
    if (rows[0]) return rows[0].pid;
    await sleep(10);
  }
}

async function checkpointOf(pool: pg.Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ position: string }>(
    'select position from consumers.checkpoints where consumer = $1',
    [VIEW],
  );
  return rows[0]?.position;
}
