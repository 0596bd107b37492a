/** The embedded PostgreSQL, kept running. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@annals/platform/postgres/backoff';
import { type PostgresServer, type PostgresServerOptions, startPostgres } from './postgres-server.ts';
import type { ProcessIdentity } from './processes.ts';
import { identify } from './processes.ts';

export interface SupervisedPostgres {
  readonly name: string;
  readonly url: string;
  readonly cluster: string;
  readonly isElsewhere: boolean;
  /** Null while it is down. */
  identity(): ProcessIdentity | null;
  stop(): Promise<void>;
}

/** Starts the server, and again whenever it dies, until `stop`. Throws where the first start fails. */
export async function supervisePostgres(
  options: PostgresServerOptions,
  say: (message: string) => void,
): Promise<SupervisedPostgres> {
  const first = await startPostgres(options);
  let current: PostgresServer | null = first;
  const aborter = new AbortController();

  /** Tries until it runs; null where it is no longer wanted. */
  async function startAgain(): Promise<PostgresServer | null> {
    for (let attempt = 0; !aborter.signal.aborted; attempt++) {
      await sleep(backoff(attempt), undefined, { signal: aborter.signal }).catch(() => undefined);
      if (aborter.signal.aborted) break;
      try {
        return await startPostgres(options);
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
    }
    return null;
  }

  async function keepRunning(): Promise<void> {
    while (current) {
      await current.ended;
      current = null;
      if (aborter.signal.aborted) return;
      say('PostgreSQL ended unexpectedly; it will be restarted');
      current = await startAgain();
      // It took longer than anybody wanted it.
      if (aborter.signal.aborted) return;
    }
  }

  const over = keepRunning();
  return {
    name: 'postgres',
    url: first.url,
    cluster: first.cluster,
    isElsewhere: first.isElsewhere,
    identity: () => (current ? identify(current.pid) : null),
    stop: async () => {
      aborter.abort();
      await current?.stop();
      await over;
      await current?.stop();
    },
  };
}
