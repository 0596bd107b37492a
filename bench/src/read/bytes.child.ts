/** The limit for kept answers: Node's own HTTP server, which sends the same bytes whatever is asked for. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../kit/child.ts';

serve<{ readonly kind: 'start'; readonly body: string }>(async ({ body }) => {
  const bytes = Buffer.from(body);
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length };
  const server = createServer((_request, response) => {
    response.writeHead(200, headers).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
