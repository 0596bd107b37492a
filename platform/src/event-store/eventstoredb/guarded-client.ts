/** The client of EventStoreDB with what of it would end the process kept from doing so. */
import type { Duplex } from 'node:stream';
import { EventStoreDBClient } from '@eventstore/db-client';
import type { Logger } from 'pino';

/** How the client opens the stream that all its batch appends share. */
type CreateStream = (
  service: unknown,
  name: string,
  creator: (client: unknown) => Duplex | Promise<Duplex>,
  cache?: unknown,
) => () => Promise<Duplex>;

/** How the client looks after a channel that a call failed on; nobody awaits it. */
type HandleError = (grpcClient: unknown, error: Error) => Promise<void>;

/** Clients made in this process. */
let clients = 0;

/**
 * A client for `url`, on a connection of its own. The client keeps the appends that wait for an answer in one map of the
 * whole process, which a failing stream empties: an answer that comes afterwards on a healthy stream throws within its
 * listener, and a write that waits for its turn rejects where nobody listens. Either would end the process. So answers
 * that nobody waits for are passed over here, and writes do not queue: whoever appends bounds how many there are. It
 * also looks after a failed channel where nobody listens, which fails while no node of a cluster can be found: whoever
 * needs the channel hears of that.
 */
export function createGuardedClient(url: string, logger: Logger | undefined): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(withOwnConnection(url));
  const create = Reflect.get(client, 'GRPCStreamCreator') as CreateStream;
  const guarded: CreateStream = (service, name, creator, cache) =>
    create(
      service,
      name,
      async (grpcClient) => {
        const stream = await creator(grpcClient);
        return name === 'appendToStream' ? guard(stream, logger) : stream;
      },
      cache,
    );
  Reflect.set(client, 'GRPCStreamCreator', guarded);
  const handle = Reflect.get(client, 'handleError') as HandleError;
  const handleError: HandleError = (grpcClient, error) =>
    handle(grpcClient, error).catch((err: unknown) =>
      logger?.warn({ err }, 'no channel to EventStoreDB could be had'),
    );
  Reflect.set(client, 'handleError', handleError);
  return client;
}

/**
 * Channels that are configured alike share a connection, and with it whatever is wrong with it; the client lets only
 * the interval of its keepalives be chosen. So each client has another, by a few milliseconds.
 */
function withOwnConnection(url: string): string {
  const interval = Number(/[?&]keep[_-]?alive[_-]?interval=(-?\d+)/i.exec(url)?.[1] ?? DEFAULT_KEEPALIVE_MS);
  if (interval < 0) return url;
  clients = (clients + 1) % 1_000;
  return `${url}${url.includes('?') ? '&' : '?'}keepAliveInterval=${interval + clients}`;
}

const DEFAULT_KEEPALIVE_MS = 10_000;

function guard(stream: Duplex, logger: Logger | undefined): Duplex {
  const listeners = stream.listeners('data');
  stream.removeAllListeners('data');
  stream.on('data', (answer) => {
    try {
      for (const listener of listeners) listener.call(stream, answer);
    } catch (error) {
      logger?.debug({ err: error }, 'an answer of EventStoreDB came that nobody waits for');
    }
  });
  const write = stream.write.bind(stream) as (chunk: unknown) => boolean;
  stream.write = (chunk: unknown): boolean => {
    write(chunk);
    return true;
  };
  return stream;
}
