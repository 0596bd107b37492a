/** WebSockets through the gateway: bytes are passed on as they are, so refusals and close codes stay the notifier's. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Route } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { answerOnSocket } from '@annals/platform/http/client-error';
import { connectTo } from './upstream-connections.ts';
import type { Upstreams } from './upstreams.ts';

export interface Upgrades {
  /** Resolves when every socket has been closed, by either side, or after `graceMs` closes what is left. */
  close(graceMs: number): Promise<void>;
}

/** Serves upgrades of `server`: routes of the notifier go there, everything else is refused. */
export function serveUpgrades(
  server: Server,
  options: { routes: readonly Route[]; upstreams: Upstreams; publicUrl: string },
): Upgrades {
  const paths = new Set(
    options.routes.filter(({ service }) => service === 'notifier').map(({ path }) => path),
  );
  const open = new Set<Duplex>();
  let deserted: (() => void) | undefined;

  async function upgrade(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    open.add(client);
    client.once('close', () => {
      open.delete(client);
      if (open.size === 0) deserted?.();
    });
    client.on('error', () => client.destroy());
    const path = request.url?.split('?', 1)[0] ?? '/';
    const refuse = (problem: Problem) =>
      answerOnSocket(client, problem, {
        publicUrl: options.publicUrl,
        instance: path,
        traceId: randomUUID().replaceAll('-', ''),
      });
    if (!paths.has(path)) return refuse(new Problem('not-found', 'There is no socket at this path.'));
    try {
      const upstream = await connectTo('notifier', options.upstreams);
      upstream.on('error', () => client.destroy());
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
      upstream.write(requestHead(request));
      if (head.length > 0) upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    } catch {
      refuse(
        new Problem('unavailable', 'The service for sockets does not answer. Try again.', { retryAfter: 1 }),
      );
    }
  }

  server.on(
    'upgrade',
    (request: IncomingMessage, client: Duplex, head: Buffer) => void upgrade(request, client, head),
  );
  return {
    close: async (graceMs) => {
      if (open.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      deserted = resolve;
      const timer = setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, graceMs);
      await promise;
      clearTimeout(timer);
    },
  };
}

/** Only the gateway says where a client is, and what it asked for. */
const FORWARDED = /^x-forwarded-(for|host|proto)$/i;

/** The request's head as it came, with the client's address added for the services. */
function requestHead({ method, url, headers, rawHeaders, socket }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    if (!FORWARDED.test(name)) lines.push(`${name}: ${value}`);
  }
  lines.push(
    `X-Forwarded-For: ${socket.remoteAddress ?? ''}`,
    `X-Forwarded-Host: ${headers.host ?? ''}`,
    'X-Forwarded-Proto: http',
  );
  return `${lines.join('\r\n')}\r\n\r\n`;
}
