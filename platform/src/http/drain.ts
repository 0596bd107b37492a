/** Closing an HTTP server without failing a request. */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface DrainOptions {
  readonly drainMs: number;
  readonly graceMs: number;
  /** Called when nothing more is accepted: lets go of connections that the server itself no longer knows. */
  readonly farewell?: (() => Promise<void>) | undefined;
}

export interface Drain {
  readonly isDraining: () => boolean;
  /** Aborted when requests in flight have outlasted their grace period. */
  readonly shutdown: AbortSignal;
  /** Drains and closes, once; later calls wait for the first. */
  readonly close: () => Promise<void>;
}

/**
 * How long there must have been no connection for the drain to end early: who has not heard yet that this server goes
 * (gateways look every half second) still sends requests here, and must not find the door just closing.
 */
const QUIET_MS = 1_000;

/** Watches the connections of `fastify`, so that the drain ends early once none has been left for a while. */
export function createDrain(fastify: FastifyInstance, times: DrainOptions): Drain {
  const { server } = fastify;
  const shutdown = new AbortController();
  const sockets = new Set<Socket>();
  const deserted = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  let quiet: NodeJS.Timeout | undefined;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    clearTimeout(quiet);
    socket.once('close', () => {
      sockets.delete(socket);
      if (closing && sockets.size === 0) quiet = setTimeout(deserted.resolve, QUIET_MS);
    });
  });

  async function drainAndClose(): Promise<void> {
    if (server.listening && sockets.size > 0) await atMost(times.drainMs, deserted.promise);
    clearTimeout(quiet);
    const closed = fastify.close();
    await times.farewell?.();
    await atMost(times.graceMs, closed);
    shutdown.abort(new Error('the server shuts down'));
    // Those of upgraded connections too, which the server itself no longer knows.
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    isDraining: () => closing !== undefined,
    shutdown: shutdown.signal,
    close: () => {
      closing ??= drainAndClose();
      return closing;
    },
  };
}

async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  const timeUp = Promise.withResolvers<void>();
  const timer = setTimeout(timeUp.resolve, milliseconds);
  await Promise.race([work, timeUp.promise]);
  clearTimeout(timer);
}
