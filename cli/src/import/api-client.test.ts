import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createApiClient } from './api-client.ts';

let server: Server | undefined;
afterEach(() => server?.close());

/** Serves the answers one after the other; the last one for good. */
async function serve(...answers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const requests: IncomingMessage[] = [];
  server = createServer((request, response) => {
    requests.push(request);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    request.resume().once('end', () => answer?.(request, response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const problem = (status: number, code: string) => (_: IncomingMessage, response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code }));
const created = (_: IncomingMessage, response: ServerResponse) =>
  response.writeHead(201, { 'idempotency-replayed': 'true' }).end('{"id":"1","revision":0}');

test('what passes is asked again with the same key: throttles, absence, lost answers, contention', async () => {
  const { requests, url } = await serve(
    problem(429, 'too-many-requests'),
    problem(503, 'unavailable'),
    problem(409, 'idempotency-in-flight'),
    problem(409, 'concurrent-changes'),
    (request) => request.socket.destroy(),
    created,
  );
  const answer = await createApiClient(url, 'token').call({
    method: 'POST',
    path: '/v1/articles',
    body: {},
    key: 'k',
  });
  expect(answer).toMatchObject({ status: 201, body: { id: '1', revision: 0 }, isReplayed: true });
  expect(requests.map(({ headers }) => [headers['idempotency-key'], headers.authorization])).toEqual(
    Array.from({ length: 6 }, () => ['k', 'Bearer token']),
  );
});

test('a refusal is an answer', async () => {
  const { requests, url } = await serve(problem(409, 'title-taken'));
  expect(await createApiClient(url, 't').call({ method: 'POST', path: '/', body: {} })).toMatchObject({
    status: 409,
  });
  expect(requests).toHaveLength(1);
});

test('waiting ends with its signal', async () => {
  const { url } = await serve((_, response) => response.writeHead(503, { 'retry-after': '60' }).end());
  const aborter = new AbortController();
  const call = createApiClient(url, 't', aborter.signal).call({ method: 'GET', path: '/' });
  server?.once('request', () => setImmediate(() => aborter.abort()));
  await expect(call).rejects.toThrow(/abort/i);
});
