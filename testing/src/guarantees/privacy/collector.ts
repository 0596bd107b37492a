/** A collector of traces: takes what OTLP exporters send over HTTP, and keeps the bytes. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface Collector {
  /** What services send to. */
  readonly url: string;
  /** All that came in, as text: names and attributes stand in it as they are. */
  text(): string;
  /** Whether a span of this trace (32 hex digits) came in. */
  has(traceId: string): boolean;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const received: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    received.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    text: () => Buffer.concat(received).toString('utf8'),
    has: (traceId) => Buffer.concat(received).includes(Buffer.from(traceId, 'hex')),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
