/**
 * A real PostgreSQL server out of an npm package, as a child process: initialised at first use, on loopback only,
 * with a password, its data surviving restarts and crashes of whoever started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, findPostgresHome, type PostgresHome } from './postgres-home.ts';
import { commandLine, endProcess, identify, sendSignal } from './processes.ts';

export interface PostgresServerOptions {
  /** The stack's data folder, created where missing; the database lives in `postgres` below it where it can. */
  readonly dataFolder: string;
  readonly port: number;
  /** Of the superuser `annals`; fixed when the database is first created. */
  readonly password: string;
  /** Server settings beyond the defaults, e.g. `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Receives the server's log, line by line. */
  readonly onLine?: (line: string) => void;
}

export interface PostgresServer {
  /** Connection URL of the database `postgres`. */
  readonly url: string;
  readonly pid: number;
  /** Where the database really is. */
  readonly cluster: string;
  /** True where that is outside the data folder, since root's ordinary user cannot reach into it. */
  readonly isElsewhere: boolean;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends clients' connections, writes everything out and stops. Idempotent. */
  stop(): Promise<void>;
}

const USER = 'annals';
const START_MS = 60_000;
const STOP_MS = 20_000;
const POLL_MS = 20;
/** Lines kept for the message when the server does not start. */
const LAST_LINES = 10;

/** The defaults are for development machines; `settings` has the last word. */
const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  jit: 'off',
  random_page_cost: '1.1',
  timezone: 'UTC',
  log_line_prefix: '',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
};

/**
 * Starts the server and resolves once it takes connections. A server orphaned on the same data is stopped first: the
 * caller vouches that no one else is using it. Throws, with the end of the server's log, where it does not start.
 */
export async function startPostgres(options: PostgresServerOptions): Promise<PostgresServer> {
  await mkdir(options.dataFolder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const home = await findPostgresHome(options.dataFolder);
  await stopOrphan(home.cluster);
  if (!(await exists(join(home.cluster, 'PG_VERSION')))) await initialise(home, options);
  const { child, ended } = await launchUntilReady(home, options);
  const pid = child.pid ?? 0;
  return {
    url: `postgres://${USER}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/postgres`,
    pid,
    cluster: home.cluster,
    isElsewhere: home.isElsewhere,
    ended,
    stop: () => stop(pid, ended),
  };
}

async function stop(pid: number, ended: Promise<void>): Promise<void> {
  const identity = identify(pid);
  if (identity) await endProcess(identity, ['SIGINT', 'SIGQUIT', 'SIGKILL'], STOP_MS);
  await ended;
}

/** Stops the server that a crashed supervisor left running on `dataFolder`, if any. The caller holds its lock. */
export async function stopOrphanedPostgres(dataFolder: string): Promise<void> {
  await stopOrphan((await findPostgresHome(dataFolder)).cluster);
}

/** A stale pid file (its pid may be anyone's by now) is removed. */
async function stopOrphan(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!pid) return;
  const identity = identify(pid);
  if (identity && commandLine(pid).includes(cluster)) {
    await endProcess(identity, ['SIGINT', 'SIGQUIT', 'SIGKILL'], STOP_MS);
  }
  await rm(file, { force: true });
}

/** Creates the cluster beside its place and renames it, so that a crash leaves none half made. */
async function initialise(home: PostgresHome, options: PostgresServerOptions): Promise<void> {
  const fresh = `${home.cluster}.new`;
  const passwordFile = join(fresh, '..', 'postgres.pwd');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(passwordFile, options.password, { mode: 0o600 });
  await give(fresh, home.account);
  await give(passwordFile, home.account);
  try {
    const failure =
      (await initdb(home, fresh, passwordFile, 'C.UTF-8')) && (await initdb(home, fresh, passwordFile, 'C'));
    if (failure) throw new Error(`PostgreSQL could not be initialised in ${home.cluster}:\n${failure}`);
    await rename(fresh, home.cluster);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Null, or why it failed. Not every system has the locale that knows letters beyond ASCII. */
async function initdb(
  home: PostgresHome,
  folder: string,
  passwordFile: string,
  ctype: string,
): Promise<string | null> {
  const child = spawn(
    home.initdb,
    [
      `--pgdata=${folder}`,
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      `--lc-ctype=${ctype}`,
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
    ],
    { ...home.account, cwd: dirname(folder), env: environment(), stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let message = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    message += chunk;
  });
  const [code] = await once(child, 'close');
  return code === 0 ? null : message.trim();
}

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

/** Processes of a server killed hard linger for a moment and hold its shared memory: worth waiting for. */
async function launchUntilReady(home: PostgresHome, options: PostgresServerOptions): Promise<Launched> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const lines: string[] = [];
    const launched = launch(home, options, lines);
    if (await becomesReady(home.cluster, launched, deadline)) return launched;
    sendSignal(launched.child.pid ?? 0, 'SIGKILL');
    await launched.ended;
    const message = lines.join('\n');
    if (!/shared memory block .* in use|still in use/.test(message) || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start in ${home.cluster}:\n${message}`);
    }
    await sleep(POLL_MS * 10);
  }
}

function launch(home: PostgresHome, options: PostgresServerOptions, lastLines: string[]): Launched {
  const settings = Object.entries({ ...defaults, port: String(options.port), ...options.settings });
  const child = spawn(
    home.postgres,
    ['-D', home.cluster, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      ...home.account,
      cwd: home.cluster,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      lastLines.push(error.message);
      resolve();
    });
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (lastLines.push(line) > LAST_LINES) lastLines.shift();
    options.onLine?.(line);
  });
  return { child, ended };
}

/** The server's pid file tells its state in line 8, as `pg_ctl` reads it. */
async function becomesReady(cluster: string, { child, ended }: Launched, deadline: number): Promise<boolean> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver && Date.now() < deadline) {
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** Nothing of the caller's settings: PG* variables would steer the server. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_MESSAGES: 'C', TZ: 'UTC' };
}

async function give(path: string, account: Account | null): Promise<void> {
  if (account) await chown(path, account.uid, account.gid);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
