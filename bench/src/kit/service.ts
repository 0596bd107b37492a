/** One real process of a service, on a database of the bench's or beside a stack. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOf, knownVariables } from '@annals/cli/local/environment';
import { freePorts } from '@annals/cli/local/free-port';
import { type LocalService, layoutOf, mainFileOf, portCount } from '@annals/cli/local/layout';
import { ensureSecrets, type Secrets } from '@annals/cli/local/secrets';
import type { StackAddress } from '@annals/testing/stack';

/** Limits that no load reaches; the throttles still count. */
export const UNREACHED = Object.fromEntries(
  ['READ', 'WRITE', 'LOGIN', 'REFRESH', 'IMPORT'].map((name) => [`ANNALS_THROTTLE_${name}`, '10000000']),
);

export interface BenchService {
  /** Of the main port. */
  readonly url: string;
  readonly opsUrl: string;
  readonly secrets: Secrets;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

export interface BenchServiceOptions {
  readonly databaseUrl: string;
  /** Further `ANNALS_*` variables. */
  readonly tuning?: Readonly<Record<string, string>>;
  /** Node's own arguments, e.g. `--cpu-prof`. */
  readonly execArgv?: readonly string[];
  /** The stack whose replica it is; its tokens count. Default: none. */
  readonly beside?: StackAddress;
}

/** For a query-api that makes every answer anew. */
export const KEEPS_NOTHING = { ANNALS_CACHE_BYTES: '0' };

/** Starts a service as `annals start` would, its log going to a file; resolves when it is ready. */
export async function startService(
  service: LocalService,
  options: BenchServiceOptions,
): Promise<BenchService> {
  const folder = await mkdtemp(join(tmpdir(), 'annals-bench-'));
  const { databaseUrl, beside } = options;
  const secrets = await ensureSecrets(beside?.dataFolder ?? folder);
  const ports = await freePorts(portCount(1));
  const layout = layoutOf(() => ports.pop() ?? 0);
  const replica = layout.replicas.find((one) => one.service === service);
  if (!replica) throw new Error(`no service is called ${service}`);
  const url = `http://127.0.0.1:${replica.port ?? layout.gatewayPort}`;
  const settings = {
    layout: beside?.layout ?? layout,
    dataFolder: folder,
    databaseUrl,
    secrets,
    publicUrl: beside?.url ?? url,
    tuning: { ...UNREACHED, ...options.tuning },
  };
  const log = await open(join(folder, 'log'), 'w');
  const child = fork(mainFileOf(service), {
    env: { ...environmentOf(replica, settings, await knownVariables()) },
    execArgv: ['--disable-warning=ExperimentalWarning', ...(options.execArgv ?? [])],
    stdio: ['ignore', log.fd, 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const opsUrl = `http://127.0.0.1:${replica.opsPort}`;
  await ready(`${opsUrl}/health/ready`, child);
  return {
    url,
    opsUrl,
    secrets,
    process: child,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  while (!(await fetch(url).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error('the service ended before it was ready');
    await sleep(50);
  }
}
