/** LISTEN on a connection of its own that comes back by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { backoff } from './backoff.ts';
import { isTransient } from './errors.ts';
import { connectionConfig } from './pool.ts';

/** How often the connection is tried, and how long an answer may take. */
const HEARTBEAT_MS = 15_000;

export interface ListenerOptions {
  readonly url: string;
  readonly application: string;
  /** Called after every reconnection: what was announced in between is lost, so look for yourself. */
  readonly onReconnect?: () => void;
  readonly logger?: Logger;
}

/** Hears notifications; they are hints, since those sent while the connection is down are lost. */
export interface Listener {
  /**
   * Hears `channel` from the moment this resolves; while the server is away it waits for it. Gives what ends it.
   * Rejects once closed. A handler must not throw.
   */
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

type Handler = (payload: string) => void;

/**
 * A listener. It connects in the background, reconnects with jittered backoff, listens again to all its channels and
 * notices a connection that died silently within half a minute.
 */
export function createListener(options: ListenerOptions): Listener {
  const channels = new Map<string, Set<Handler>>();
  const closing = new AbortController();
  const closed = Promise.withResolvers<never>();
  // Nobody may be connecting when the listener closes.
  closed.promise.catch(() => {});
  let client: pg.Client | undefined;
  let ready = pendingClient();

  /** Connects and listens to all channels; resolves once the connection has ended. */
  const connectOnce = async (onReady: () => void): Promise<void> => {
    // Pipelined, so that a statement without an answer (a half-open connection) destroys the connection.
    const next = new pg.Client(
      connectionConfig({ ...options, pipeline: true, answerTimeoutMs: HEARTBEAT_MS }),
    );
    client = next;
    const ended = new Promise<void>((resolve) => {
      next.once('end', resolve);
      next.on('error', (error) => options.logger?.warn({ err: error }, 'the listening connection was lost'));
    });
    next.on('notification', ({ channel, payload }) => {
      for (const handler of channels.get(channel) ?? []) handler(payload ?? '');
    });
    // The driver never settles a connect that is ended meanwhile.
    await Promise.race([next.connect(), closed.promise]);
    const heartbeat = setInterval(() => next.query('select 1').catch(() => {}), HEARTBEAT_MS);
    try {
      for (const channel of channels.keys()) await next.query(`listen ${next.escapeIdentifier(channel)}`);
      ready.resolve(next);
      onReady();
      await ended;
    } finally {
      clearInterval(heartbeat);
      ready = pendingClient();
      next.end().catch(() => {});
    }
  };

  const run = async (): Promise<void> => {
    let wasConnected = false;
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      try {
        await connectOnce(() => {
          attempt = 0;
          if (wasConnected) options.onReconnect?.();
          wasConnected = true;
        });
      } catch (error) {
        if (!closing.signal.aborted) options.logger?.warn({ err: error }, 'the listening connection failed');
      }
      await sleep(backoff(attempt), undefined, { signal: closing.signal }).catch(() => {});
    }
  };

  /** Runs a LISTEN or UNLISTEN; again where the connection breaks under it. */
  const tell = async (verb: 'listen' | 'unlisten', channel: string): Promise<void> => {
    for (;;) {
      if (closing.signal.aborted) throw new Error('the listener is closed');
      const current = await ready.promise;
      try {
        await current.query(`${verb} ${current.escapeIdentifier(channel)}`);
        return;
      } catch (error) {
        if (!isTransient(error)) throw error;
        await sleep(backoff(0));
      }
    }
  };

  const running = run();
  return {
    async listen(channel, handler) {
      const handlers = channels.get(channel) ?? new Set();
      channels.set(channel, handlers.add(handler));
      await tell('listen', channel);
      return async () => {
        handlers.delete(handler);
        if (handlers.size > 0 || channels.get(channel) !== handlers) return;
        channels.delete(channel);
        if (!closing.signal.aborted) await tell('unlisten', channel);
      };
    },
    async close() {
      closing.abort();
      const error = new Error('the listener is closed');
      closed.reject(error);
      ready.reject(error);
      await client?.end().catch(() => {});
      await running;
    },
  };
}

function pendingClient(): PromiseWithResolvers<pg.Client> {
  const pending = Promise.withResolvers<pg.Client>();
  // Nobody may be waiting when the listener closes.
  pending.promise.catch(() => {});
  return pending;
}
