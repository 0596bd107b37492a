/** Connections to what stands behind the gateway: where one process refuses, the next of its service is tried. */
import { connect as connectTcp, type Socket } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import type { Upstreams } from './upstreams.ts';

/** Connections to one process at most. */
const MAX_CONNECTIONS = 256;
const CONNECT_TIMEOUT_MS = 5_000;
/** Nothing takes longer to start answering: queries wait 10 s at most. */
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * A dispatcher that sends a request on to the next process of the same service where the one that it is for cannot be
 * reached. At that point nothing of it has been sent, so this is safe for every method; reads are sent on as well
 * where the connection is lost before the answer. Each process keeps connections of its own: one that was kept under
 * another's name would outlive what is known of its process' readiness.
 */
export function createDispatcher(upstreams: Upstreams): Dispatcher {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  return agent.compose((dispatch) => (options, handler) => {
    const attempt = ([origin = '', ...others]: readonly string[]): boolean => {
      const isRead = options.method === 'GET' || options.method === 'HEAD';
      const instead = others.length === 0 ? undefined : () => attempt(others);
      const onLeaving = () => upstreams.leaving(origin);
      return dispatch({ ...options, origin }, watching(handler, { isRead, instead, onLeaving }));
    };
    return attempt(upstreams.candidates(String(options.origin)));
  });
}

interface Watching {
  readonly isRead: boolean;
  /** Called where the request failed and may be sent elsewhere. */
  readonly instead: (() => void) | undefined;
  /** Called where the process says that it closes its connections. */
  readonly onLeaving: () => void;
}

function watching(
  handler: Dispatcher.DispatchHandler,
  { isRead, instead, onLeaving }: Watching,
): Dispatcher.DispatchHandler {
  let isSent = false;
  let isAnswered = false;
  return {
    onRequestStart: (...start) => {
      isSent = true;
      handler.onRequestStart?.(...start);
    },
    onResponseStart: (controller, status, headers, message) => {
      isAnswered = true;
      if (headers.connection === 'close') onLeaving();
      handler.onResponseStart?.(controller, status, headers, message);
    },
    onResponseData: (...data) => handler.onResponseData?.(...data),
    onResponseEnd: (...end) => handler.onResponseEnd?.(...end),
    onResponseError: (controller, error) => {
      const isLost = !isSent || (isRead && !isAnswered && LOST.has(codeOf(error)));
      if (isLost && instead) instead();
      else handler.onResponseError?.(controller, error);
    },
  };
}

/** The other side has closed the connection. */
const LOST: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
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
