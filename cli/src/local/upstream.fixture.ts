/** A service for tests of the gateway. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Sample {
  readonly name: string;
  readonly server: Server;
  readonly url: string;
  readonly opsUrl: string;
  readonly seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  isReady: boolean;
  close(): Promise<void>;
}

/** An upstream that echoes its name, with an operations port. */
export async function sample(name: string, port = 0): Promise<Sample> {
  const seen: Sample['seen'] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    response
      .setHeader('x-upstream', name)
      .setHeader('allow', 'all')
      .end(request.method === 'HEAD' ? '' : `${name} ${body}`);
  });
  const one = { name, seen, server, isReady: true } as { -readonly [Key in keyof Sample]: Sample[Key] };
  const ops = createServer((_, response) =>
    response.writeHead(one.isReady ? 200 : 503).end('{"checks":{"views":false}}'),
  );
  await Promise.all([
    once(server.listen(port, '127.0.0.1'), 'listening'),
    once(ops.listen(0, '127.0.0.1'), 'listening'),
  ]);
  one.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  one.opsUrl = `http://127.0.0.1:${(ops.address() as AddressInfo).port}`;
  one.close = async () => {
    server.closeAllConnections();
    ops.closeAllConnections();
    await Promise.all([server, ops].map((each) => new Promise((resolve) => each.close(resolve))));
  };
  return one;
}
