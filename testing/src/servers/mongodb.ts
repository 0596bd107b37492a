/**
 * Servers for tests that speak MongoDB's protocol, each in a temporary folder on a free port. No package registry
 * carries MongoDB itself: it is used where somebody names one, or where a Docker engine can run it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { freePorts } from '@annals/cli/local/free-port';
import { MongoClient } from 'mongodb';
import { ferretdbHome, mongoUrl, secantusdbHome } from '../config.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A kind of server that tests can run on. */
export interface MongoKind {
  /** For names of tests; says how to get one where there is none. */
  readonly name: string;
  readonly isThere: boolean;
  readonly hasTransactions: boolean;
  /** Takes commands of one connection at a time: elsewhere it breaks what MongoDB promises of single documents. */
  readonly isSerial?: boolean;
  start(): Promise<MongoServer>;
}

export interface MongoServer {
  /** The connection URL of a database on it. */
  url(database: string): string;
  /** kill -9; `restart` brings it back on the same data. Only of servers that run here as processes. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

const READY_MS = 60_000;

/** All kinds, those that are not there included: their suites are skipped. */
export const mongoKinds: readonly MongoKind[] = [
  secantus('SecantusDB', true),
  secantus('SecantusDB as a single server', false),
  {
    name: named('FerretDB', ferretdbHome, 'ANNALS_TEST_FERRETDB_HOME'),
    isThere: ferretdbHome !== undefined,
    hasTransactions: false,
    isSerial: true,
    start: () =>
      startProcess('?maxPoolSize=1', (port, folder) => ({
        command: join(ferretdbHome ?? '', 'ferretdb'),
        args: [`127.0.0.1:${port}`, folder],
      })),
  },
  {
    name: named('MongoDB', mongoUrl, 'ANNALS_TEST_MONGO_URL'),
    isThere: mongoUrl !== undefined,
    hasTransactions: true,
    start: async () => given(mongoUrl ?? ''),
  },
  {
    name: 'MongoDB in a container, where a Docker engine answers',
    isThere: await answersDocker(),
    hasTransactions: true,
    start: startContainer,
  },
];

/** The kind that whole stacks run on. */
export const [productionLike] = mongoKinds as readonly [MongoKind];

function named(name: string, setting: string | undefined, variable: string): string {
  return setting === undefined ? `${name} (skipped: ${variable} is not set)` : name;
}

function secantus(name: string, hasTransactions: boolean): MongoKind {
  return {
    name: named(name, secantusdbHome, 'ANNALS_TEST_SECANTUSDB_HOME'),
    isThere: secantusdbHome !== undefined,
    hasTransactions,
    start: () =>
      startProcess(hasTransactions ? '' : '?directConnection=true', (port, folder) => ({
        command: join(secantusdbHome ?? '', 'bin', 'python'),
        args: [
          ...['-m', 'secantus', '--port', String(port), '--storage-path', folder, '--sync-on-commit'],
          ...['--log-level', 'ERROR', ...(hasTransactions ? [] : ['--standalone'])],
        ],
      })),
  };
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

async function startProcess(
  options: string,
  programOf: (port: number, folder: string) => Program,
): Promise<MongoServer> {
  const folder = await temporaryFolder('annals-mongodb-');
  const [port = 0] = await freePorts(1);
  const url = (database: string) => `mongodb://127.0.0.1:${port}/${database}${options}`;
  const { command, args } = programOf(port, folder);
  const boot = async (): Promise<ChildProcess> => {
    const child = spawn(command, args, { stdio: 'ignore', cwd: folder });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${command} ended before it answered`);
    });
    ended.catch(() => {});
    await Promise.race([answers(url('admin')), ended]);
    return child;
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  };
  let child = await boot();
  return {
    url,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      child = await boot();
    },
    async remove() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once the server answers. */
async function answers(url: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: READY_MS });
  try {
    await client.db().command({ hello: 1 });
  } finally {
    await client.close();
  }
}

/** A server of the caller's own: its databases of tests are dropped, it is never stopped. */
function given(server: string): MongoServer {
  const used = new Set<string>();
  const refuse = async () => {
    throw new Error('this server is not ours to kill');
  };
  const urlOf = (database: string) => {
    const url = new URL(server);
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    url(database) {
      used.add(database);
      return urlOf(database);
    },
    kill: refuse,
    restart: refuse,
    async remove() {
      const client = new MongoClient(server);
      for (const database of used) await client.db(database).dropDatabase();
      await client.close();
    },
  };
}

const IMAGE = 'mongo:8';
const INITIATE = "rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'localhost:27017' }] })";

/** A replica set of one member. */
async function startContainer(): Promise<MongoServer> {
  const { GenericContainer } = await import('testcontainers');
  const container = await new GenericContainer(IMAGE)
    .withCommand(['--replSet', 'rs0', '--bind_ip_all'])
    .withExposedPorts(27_017)
    .start();
  const url = (database: string) =>
    `mongodb://${container.getHost()}:${container.getMappedPort(27_017)}/${database}?directConnection=true`;
  await answers(url('admin'));
  await container.exec(['mongosh', '--quiet', '--eval', INITIATE]);
  const refuse = async () => {
    throw new Error('a restarted container has another port');
  };
  return {
    url,
    kill: refuse,
    restart: refuse,
    remove: async () => {
      await container.stop();
    },
  };
}

/** True where a Docker engine answers at its usual socket. */
function answersDocker(): Promise<boolean> {
  return new Promise((resolve) => {
    request({ socketPath: '/var/run/docker.sock', path: '/_ping', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .on('timeout', () => resolve(false))
      .end();
  });
}
