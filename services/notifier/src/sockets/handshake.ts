/** Which upgrade requests become sockets, and what the others are told. */
import type { IncomingMessage } from 'node:http';
import type { ProblemCode } from '@annals/contracts/problems';
import { PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { openPush } from '@annals/contracts/push/push.routes';

export interface HandshakeRefusal {
  readonly code: ProblemCode;
  readonly detail: string;
}

/** What is wrong with an upgrade request; null where nothing is. Clients that send no Origin are no browsers. */
export function refusalOf(
  request: Pick<IncomingMessage, 'url' | 'headers'>,
  allowedOrigins: ReadonlySet<string>,
): HandshakeRefusal | null {
  const [path, query] = (request.url ?? '').split('?', 2);
  if (path !== openPush.path) return { code: 'not-found', detail: 'There is no such resource.' };
  if (query)
    return {
      code: 'unknown-parameter',
      detail: 'The push socket takes no parameters; authenticate with a message.',
    };
  const { origin } = request.headers;
  if (origin !== undefined && !allowedOrigins.has(origin)) {
    return { code: 'forbidden', detail: 'This origin may not open push sockets.' };
  }
  const protocols =
    request.headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
  if (!protocols.includes(PUSH_SUBPROTOCOL)) {
    return { code: 'malformed-request', detail: `The subprotocol ${PUSH_SUBPROTOCOL} is required.` };
  }
  return null;
}
