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

  async function keepRunning(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      await current?.ended;
      if (aborter.signal.aborted) return;
      current = null;
      say('PostgreSQL ended unexpectedly; it will be restarted');
      await sleep(backoff(attempt), undefined, { signal: aborter.signal }).catch(() => undefined);
      if (aborter.signal.aborted) return;
      try {
        current = await startPostgres(options);
        attempt = 0;
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
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
