/** Holds the views of a stack against views built anew from its log, in a database of their own, by the same code. */
import { randomUUID } from 'node:crypto';
import { accessProjection } from '@annals/command-api/identity/access-view';
import { catalogue } from '@annals/contracts/catalogue';
import { viewCollection } from '@annals/platform/consumer/mongodb/collections';
import { createMongoDocumentStore } from '@annals/platform/consumer/mongodb/document-store';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { viewName } from '@annals/platform/consumer/projection';
import { createConsumers } from '@annals/platform/consumer/runtime';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { openEventStore } from '@annals/platform/event-store/open';
import { type MongoDatabase, openMongo } from '@annals/platform/mongodb/database';
import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { createLogger } from '@annals/platform/telemetry/logger';
import { projections } from '@annals/projector/projections';
import { viewMigrations } from '@annals/projector/view-migrations';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { expect, vi } from 'vitest';
import type { TestStack } from '../stack.ts';

type Logged = Pick<TestStack, 'databaseUrl' | 'eventstoreUrl'>;

const all = [...projections, accessProjection];
const APPLICATION = 'guarantees';
const CATCH_UP_MS = 120_000;

/** Every view, the access view included. */
const viewNames: readonly string[] = all.map(viewName);

/** Waits until every view reflects the log's head. The load has to have stopped. */
async function viewsCaughtUp(stack: Logged, mongo: MongoDatabase | null) {
  const pool = createPool({ url: stack.databaseUrl, application: APPLICATION, max: 2 });
  const documents = mongo && createMongoDocumentStore(mongo, isElsewhere);
  const store = await openEventStore(stack, { application: APPLICATION });
  try {
    const head = await store.head();
    await vi.waitFor(
      async () => {
        const here = await pool.query<{ consumer: string; through: string }>(
          'select consumer, through from consumers.checkpoints where consumer = any ($1)',
          [viewNames.filter((view) => !(mongo && isElsewhere(view)))],
        );
        const rows = [...here.rows, ...((await documents?.checkpoints(viewNames.filter(isElsewhere))) ?? [])];
        expect(rows.length).toBe(viewNames.length);
        const behind = rows.filter(({ through }) => through < head).map(({ consumer }) => consumer);
        expect(behind, 'views behind the log').toEqual([]);
      },
      { timeout: CATCH_UP_MS, interval: 100 },
    );
  } finally {
    await store.close();
    await pool.end();
  }
}

/**
 * Once all views have caught up: builds each anew and compares keys, documents (the stored text) and columns row by
 * row. Gives how many rows were compared.
 */
export async function expectViewsAsRebuilt(
  stack: Logged & Pick<TestStack, 'masterKey' | 'mongodbUrl'>,
): Promise<number> {
  const { mongodbUrl } = stack;
  const mongo = mongodbUrl === null ? null : openMongo({ url: mongodbUrl, application: APPLICATION });
  await viewsCaughtUp(stack, mongo);
  const live = createPool({ url: stack.databaseUrl, application: APPLICATION, max: 4 });
  const name = `rebuilt_${randomUUID().replaceAll('-', '')}`;
  await live.query(`create database ${name}`);
  const url = new URL(stack.databaseUrl);
  url.pathname = name;
  const rebuilt = createPool({ url: url.href, application: APPLICATION, max: 10, pipeline: true });
  try {
    await build(stack, live, rebuilt);
    let rows = 0;
    for (const view of viewNames) {
      const [actual, expected] =
        mongo && isElsewhere(view)
          ? await Promise.all([documentsIn(mongo, view), documentsOf(rebuilt, view)])
          : await Promise.all([rowsOf(live, view), rowsOf(rebuilt, view)]);
      expect(actual, `${view} as rebuilt`).toEqual(expected);
      rows += actual.length;
    }
    return rows;
  } finally {
    await mongo?.close();
    await rebuilt.end();
    await live.query(`drop database ${name} with (force)`);
    await live.end();
  }
}

async function build(
  stack: Logged & Pick<TestStack, 'masterKey'>,
  live: pg.Pool,
  rebuilt: pg.Pool,
): Promise<void> {
  await migrate(rebuilt, 'views', viewMigrations);
  const events = await openEventStore(stack, { application: APPLICATION });
  const key = Buffer.from(stack.masterKey, 'base64') as Buffer<ArrayBuffer>;
  const keys = await createPostgresKeyStore({ pool: live, masterKey: key });
  const consumers = createConsumers({
    log: createEventLog({ store: events, catalogue, keys }),
    store: createPostgresViewStore({ pool: rebuilt }),
    consumers: all,
    owner: 'rebuild',
    logger: createLogger({ service: 'rebuild', level: 'silent' }),
    metrics: new Registry(),
  });
  try {
    await consumers.start();
    await vi.waitFor(() => expect(consumers.isReady()).toBe(true), { timeout: CATCH_UP_MS, interval: 50 });
  } finally {
    await consumers.stop();
    await events.close();
  }
}

/** True for views that are in MongoDB, where a stack has one. */
function isElsewhere(view: string): boolean {
  return all.some((one) => viewName(one) === view && one.store === 'documents');
}

/** Key and document of every document, as text. */
async function documentsIn(mongo: MongoDatabase, view: string): Promise<string[]> {
  const collection = await viewCollection(mongo.db, view);
  const found =
    (await collection
      ?.find({ deleted: { $exists: false } })
      .sort({ _id: 1 })
      .toArray()) ?? [];
  return found.map(({ _id, doc }) => `${_id} ${JSON.stringify(doc)}`);
}

async function documentsOf(pool: pg.Pool, view: string): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select v.key || ' ' || v.doc::text as row from views.${view} v order by v.key`,
  );
  return rows.map(({ row }) => row);
}

/** Every row as text, columns in their order: equal texts are equal bytes. */
async function rowsOf(pool: pg.Pool, view: string): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select v::text as row from views.${view} v order by v.key`,
  );
  return rows.map(({ row }) => row);
}
