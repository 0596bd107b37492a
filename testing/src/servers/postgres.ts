/**
 * PostgreSQL for tests: `testDatabase()` gives a fresh database on the run's one server; `ownPostgres()` a server of
 * one's own, to be restarted and killed.
 */
import { randomBytes } from 'node:crypto';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '@annals/cli/local/free-port';
import { findPostgresHome } from '@annals/cli/local/postgres-home';
import { type PostgresServer, startPostgres } from '@annals/cli/local/postgres-server';
import { endProcess, identify } from '@annals/cli/local/processes';
import { readSecrets } from '@annals/cli/local/secrets';
import pg from 'pg';
import { inject } from 'vitest';
import { copyCluster, preparedFolder } from './prepared-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection URL of the run's server. */
    postgresUrl: string;
  }
}

/** Settings that trade durability, which tests on a shared server do not need, for speed. */
const UNSAFE_BUT_FAST = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  shared_buffers: '128MB',
};

export interface TestDatabase {
  readonly url: string;
  /** Ends all its connections and drops it. */
  drop(): Promise<void>;
}

/** A fresh, empty database on the run's server (no fsync); callable in `*.db.test.ts` and `*.e2e.test.ts` files. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name} template template0`);
  const url = new URL(server);
  url.pathname = name;
  return { url: url.href, drop: () => drop(server, name) };
}

/** Connections that are just closing may finish; after two seconds those that are left are ended. */
async function drop(server: string, name: string): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt++) {
    try {
      return await onServer(server, `drop database if exists ${name}`);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== OBJECT_IN_USE) throw error;
      await sleep(50);
    }
  }
  await onServer(server, `drop database if exists ${name} with (force)`);
}

const OBJECT_IN_USE = '55006';

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface OwnPostgres {
  /** Stays the same over restarts. */
  readonly url: string;
  /** Stops (fast: connections are ended) and starts again on the same data. */
  restart(): Promise<void>;
  /** Stops; `start` brings it back. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** kill -9; `start` brings it back. */
  kill(): Promise<void>;
  /** Stops, is copied, and starts again together with the copy: a streaming replica, to be removed first. */
  replicate(): Promise<OwnPostgres>;
  /** Stops for good and removes the data. */
  remove(): Promise<void>;
}

/** A server of the caller's own, in a temporary folder; `settings` are PostgreSQL's, durable by default. */
export async function ownPostgres(settings: Readonly<Record<string, string>> = {}): Promise<OwnPostgres> {
  return boot(await preparedFolder('annals-postgres-'), settings);
}

async function boot(dataFolder: string, settings: Readonly<Record<string, string>>): Promise<OwnPostgres> {
  const [port = 0] = await freePorts(1);
  const { postgresPassword: password } = await readSecrets(dataFolder);
  const launch = () => startPostgres({ dataFolder, port, password, settings });
  let server: PostgresServer = await launch();
  const stop = () => server.stop();
  const start = async () => {
    server = await launch();
  };
  return {
    url: server.url,
    stop,
    start,
    restart: async () => {
      await stop();
      await start();
    },
    kill: async () => {
      const identity = identify(server.pid);
      if (identity) await endProcess(identity, ['SIGKILL'], 10_000);
      await server.ended;
    },
    replicate: async () => {
      await stop();
      const copy = await temporaryFolder('annals-replica-');
      const { cluster } = await findPostgresHome(copy);
      await copyCluster(server.cluster, cluster);
      await copyFile(join(dataFolder, 'secrets'), join(copy, 'secrets'));
      await writeFile(join(cluster, 'standby.signal'), '');
      await start();
      const primary_conninfo = `host=127.0.0.1 port=${port} user=annals password=${password}`;
      return boot(copy, { ...settings, primary_conninfo });
    },
    remove: async () => {
      await stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

/** The run's shared server: fast, not durable. */
export function sharedPostgres(): Promise<OwnPostgres> {
  return ownPostgres(UNSAFE_BUT_FAST);
}
