import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createQueryApiAccess } from './query-api-access.ts';

const POSITION = 'testlog0.0000000000000007';
let server: Server;
let url: string;
let answers: { status: number; body: string }[];
let requests: { url: string | undefined; authorization: string | undefined }[];

beforeEach(async () => {
  answers = [];
  requests = [];
  server = createServer((request, response) => {
    requests.push({ url: request.url, authorization: request.headers.authorization });
    const { status, body } = answers.shift() ?? { status: 200, body: '{"allowed":true}' };
    response.writeHead(status).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const access = () => createQueryApiAccess({ url, serviceToken: 'secret', retryMs: 1 });

test('asks about one caller as of a position, whatever the channel is called', async () => {
  expect(await access().mayFollow('article:a/../b?c#d', 'user', POSITION)).toBe(true);
  await access().mayFollow('article:x', null, POSITION);
  expect(requests).toEqual([
    {
      url: `/internal/channels/article%3Aa%2F..%2Fb%3Fc%23d?minPosition=${POSITION}&userId=user`,
      authorization: 'Bearer secret',
    },
    { url: `/internal/channels/article%3Ax?minPosition=${POSITION}`, authorization: 'Bearer secret' },
  ]);
});

test('equal questions under way share a request', async () => {
  const { mayFollow } = access();
  await Promise.all([1, 2, 3].map(() => mayFollow('article:x', 'user', POSITION)));
  expect(requests).toHaveLength(1);
  await mayFollow('article:x', 'user', POSITION);
  expect(requests).toHaveLength(2);
});

test.each([
  ['a failure', { status: 503, body: '{}' }],
  ['nonsense', { status: 200, body: '{"allowed":"yes"}' }],
  ['no JSON', { status: 200, body: 'allowed' }],
])('%s is asked again about twice, and never taken for a yes', async (_, answer) => {
  answers = [answer, answer];
  expect(await access().mayFollow('article:x', null, POSITION)).toBe(true);
  expect(requests).toHaveLength(3);
  answers = [answer, answer, answer];
  await expect(access().mayFollow('article:x', null, POSITION)).rejects.toThrow();
});
