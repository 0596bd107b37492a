/** What tests do to the processes of a running stack. */

import type { Layout } from '@annals/cli/local/layout';
import { askReadiness } from '@annals/cli/local/readiness';
import pg from 'pg';
import { vi } from 'vitest';

export interface StackControl {
  /** SIGKILL; resolves once the supervisor has started the process again and it is ready. */
  kill(name: string): Promise<void>;
  /** SIGTERM; resolves once the process has stopped, was started again and is ready. */
  terminate(name: string): Promise<void>;
  /** As {@link kill} with another signal, for PostgreSQL SIGINT: a fast shutdown. */
  replace(name: string, signal: NodeJS.Signals): Promise<void>;
  /** Sends a signal and waits for nothing, e.g. SIGSTOP. */
  signal(name: string, signal: NodeJS.Signals): void;
  /** Resolves once `name` runs under another process id than `formerPid`, and is ready. */
  restarted(name: string, formerPid: number): Promise<void>;
  /** Resolves once the processes named (default: all) are ready. */
  ready(...names: readonly string[]): Promise<void>;
}

interface Running {
  readonly layout: Layout;
  readonly url: string;
  readonly databaseUrl: string;
  readonly pids: () => Record<string, number | null>;
}

const RESTART_MS = 90_000;
const POLL_MS = 25;

/** The control of a stack that runs. */
export function controlStack({ layout, url, databaseUrl, pids }: Running): StackControl {
  const pidOf = (name: string): number => {
    const pid = pids()[name];
    if (!pid) throw new Error(`${name} does not run`);
    return pid;
  };

  const assertReady = async (name: string): Promise<void> => {
    if (name === 'postgres') return ping(databaseUrl);
    const replica = layout.replicas.find((candidate) => candidate.name === name);
    const health = replica ? `http://127.0.0.1:${replica.opsPort}/health/ready` : `${url}/health`;
    const state = await askReadiness(health);
    if (!state.isReady) throw new Error(`${name} ${state.reason}`);
  };

  const until = (condition: () => Promise<void>): Promise<void> =>
    vi.waitFor(condition, { timeout: RESTART_MS, interval: POLL_MS });

  const restarted = (name: string, formerPid: number): Promise<void> =>
    until(async () => {
      if (pidOf(name) === formerPid) throw new Error(`${name} still runs as ${formerPid}`);
      await assertReady(name);
    });

  const replace = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const pid = pidOf(name);
    process.kill(pid, signal);
    await restarted(name, pid);
  };

  return {
    kill: (name) => replace(name, 'SIGKILL'),
    replace,
    terminate: (name) => replace(name, 'SIGTERM'),
    signal: (name, signal) => void process.kill(pidOf(name), signal),
    restarted,
    ready: (...names) =>
      until(async () => {
        const all = names.length > 0 ? names : Object.keys(pids());
        await Promise.all(all.map(assertReady));
      }),
  };
}

async function ping(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => {});
  }
}
