/** Closing an HTTP server without failing a request. */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface Drain {
  readonly isDraining: () => boolean;
  /** Aborted when requests in flight have outlasted their grace period. */
  readonly shutdown: AbortSignal;
  /** Drains and closes, once; later calls wait for the first. */
  readonly close: () => Promise<void>;
}

/** Watches the connections of `fastify`, so that the drain ends early once none is left. */
export function createDrain(fastify: FastifyInstance, times: { drainMs: number; graceMs: number }): Drain {
  const { server } = fastify;
  const shutdown = new AbortController();
  const sockets = new Set<Socket>();
  const deserted = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (closing && sockets.size === 0) deserted.resolve();
    });
  });

  async function drainAndClose(): Promise<void> {
    if (server.listening && sockets.size > 0) await atMost(times.drainMs, deserted.promise);
    const closed = fastify.close();
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
