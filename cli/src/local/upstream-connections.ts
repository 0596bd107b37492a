/** Connections to what stands behind the gateway: where one process refuses, the next of its service is tried. */
import { connect as connectTcp, type Socket } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { Upstreams } from './upstreams.ts';

/** Connections to one process at most. */
const MAX_CONNECTIONS = 256;
const CONNECT_TIMEOUT_MS = 5_000;
/** Nothing takes longer to start answering: queries wait 10 s at most. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * A dispatcher whose connections, when refused, are made to the next process of the same service. At that point
 * nothing of a request has been sent, so this is safe for every method.
 */
export function createDispatcher(upstreams: Upstreams): Dispatcher {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
  return new Agent({
    connections: MAX_CONNECTIONS,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    connect: (options, callback) => {
      const [first, ...others] = upstreams.candidates(`http://${options.host}`);
      const attempt = (baseUrl: string, rest: readonly string[]): void => {
        const { hostname, port, host } = new URL(baseUrl);
        connect({ ...options, hostname, port, host }, (...[error, socket]) => {
          const [next, ...remaining] = rest;
          if (error && next) attempt(next, remaining);
          else if (error) callback(error, null);
          else callback(null, socket);
        });
      };
      if (first) attempt(first, others);
    },
  });
}

/** A raw connection to a process of `service`. Throws the last refusal where all refuse. */
export async function connectTo(service: string, upstreams: Upstreams): Promise<Socket> {
  let refusal: unknown;
  for (const baseUrl of upstreams.candidates(upstreams.next(service))) {
    const { hostname, port } = new URL(baseUrl);
    try {
      return await open(hostname, Number(port));
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no connection in time')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
