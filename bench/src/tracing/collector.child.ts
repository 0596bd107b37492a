/** Takes spans as an OpenTelemetry collector does, over OTLP/HTTP, and only counts what arrives. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../kit/child.ts';

let requests = 0;
let bytes = 0;
const server = createServer((request, response) => {
  requests++;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
});
await once(server.listen(0, '127.0.0.1'), 'listening');

serve<{ readonly kind: 'url' | 'received' }>(({ kind }) =>
  kind === 'url'
    ? { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    : { requests, bytes },
);
