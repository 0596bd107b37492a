import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Method, ServiceName } from '@annals/contracts/kit/route';
import { problems } from '@annals/contracts/problems';
import { routes } from '@annals/contracts/routes';
import { securityHeaders } from '@annals/platform/http/security-headers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { testNginx } from '../config.ts';
import { type Nginx, startNginx } from '../servers/nginx.ts';

/** What stands in for a service tells what it was asked. */
interface Asked {
  readonly service: ServiceName;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const services: readonly ServiceName[] = ['command-api', 'query-api', 'notifier'];
const METHODS: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

const pathOf = (path: string) => path.replace(/\{\w+\}/g, 'some-value.1');

describe.skipIf(testNginx === undefined)('nginx (skipped where ANNALS_TEST_NGINX names none)', () => {
  const standIns = new Map<ServiceName, Server>();
  let nginx: Nginx;

  beforeAll(async () => {
    const ports: Record<string, number> = {};
    for (const service of services) {
      const server = createServer((request, response) => {
        const { method = '', url = '', headers } = request;
        response.end(JSON.stringify({ service, method, url, headers }));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      standIns.set(service, server);
      ports[service] = (server.address() as AddressInfo).port;
    }
    nginx = await startNginx(testNginx ?? '', ports);
  });
  afterAll(async () => {
    await nginx?.stop();
    for (const server of standIns.values()) server.close();
  });

  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`${nginx.url}${path}`, { method });
    return { answer, asked: (await answer.json()) as Asked };
  };

  it('sends every route of the table to its service, the path as it came', async () => {
    for (const { method, path, service } of routes) {
      const at = `${pathOf(path)}?a=%20b&c`;
      const { asked } = await ask(at, method);
      expect([asked.service, asked.method, asked.url], `${method} ${path}`).toEqual([service, method, at]);
    }
  });

  it('lets a service of the path refuse other methods, and answer OPTIONS', async () => {
    for (const [path, atPath] of Map.groupBy(routes, (route) => pathOf(route.path))) {
      const known = new Set(atPath.map(({ method }) => method));
      const owners = atPath.map(({ service }) => service);
      for (const method of [...METHODS.filter((name) => !known.has(name)), 'OPTIONS'])
        expect(owners, `${method} ${path}`).toContain((await ask(path, method)).asked.service);
    }
  });

  it('tells services where the client is, and what host it asked for', async () => {
    const { asked } = await ask('/v1/articles');
    expect(asked.headers).toMatchObject({
      host: new URL(nginx.url).host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
    });
  });

  it('I4 tells services nothing that a client says of its own address', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9, 10.0.0.1' };
    const answer = await fetch(`${nginx.url}/v1/articles`, { headers });
    const asked = (await answer.json()) as Asked;
    expect(asked.headers['x-forwarded-for']).toBe('127.0.0.1');
  });

  it('has nothing but the table: operations, /internal and nonsense are 404 problems', async () => {
    for (const path of [
      '/',
      '/metrics',
      '/admin/status',
      '/internal/sessions',
      '/@problem',
      '/v1/articles/',
      '/V1/articles',
      '/v1/articles/x/../../../admin/status',
    ]) {
      const { answer, asked } = await ask(path);
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        404,
        'application/problem+json',
      ]);
      expect(asked).toMatchObject({
        code: 'not-found',
        status: 404,
        type: `${nginx.url}/docs/problems/not-found`,
      });
    }
  });

  const chunked =
    'POST /v1/articles HTTP/1.1\r\nhost: annals.test\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n';
  it.each([
    ['malformed-request', 'nonsense\r\n\r\n'],
    ['malformed-request', 'GET /v1/articles HTTP/1.1\r\n\r\n'],
    ['malformed-request', 'GET /v1/articles HTTP/1.1\r\nhost: a/b\r\n\r\n'],
    ['malformed-request', 'GET /v1/%zz HTTP/1.1\r\nhost: annals.test\r\n\r\n'],
    ['malformed-request', 'GET /v1/articles HTTP/3.0\r\nhost: annals.test\r\n\r\n'],
    [
      'malformed-request',
      'POST /v1/articles HTTP/1.1\r\nhost: annals.test\r\ntransfer-encoding: gzip\r\n\r\n',
    ],
    ['method-not-allowed', 'TRACE /v1/articles HTTP/1.1\r\nhost: annals.test\r\nconnection: close\r\n\r\n'],
    ['headers-too-large', `GET /v1/articles?${'x'.repeat(20_000)} HTTP/1.1\r\nhost: annals.test\r\n\r\n`],
    [
      'headers-too-large',
      `GET /v1/articles HTTP/1.1\r\nhost: annals.test\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`,
    ],
    [
      'body-too-large',
      `POST /v1/articles HTTP/1.1\r\nhost: annals.test\r\nconnection: close\r\ncontent-length: 7000000\r\n\r\n${'x'.repeat(7_000_000)}`,
    ],
    ['body-too-large', `${chunked}6acfc0\r\n${'x'.repeat(7_000_000)}\r\n0\r\n\r\n`],
    ['not-found', 'GET /a"b HTTP/1.1\r\nhost: "annals.test"\r\nconnection: close\r\n\r\n'],
  ] as const)('X2 refuses what it does not pass on as services would: %s', async (code, request) => {
    const socket = connect(Number(new URL(nginx.url).port), '127.0.0.1');
    // It need not read all of a body that it refuses.
    socket.on('error', () => undefined).write(request);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    const [statusLine = '', ...lines] = head.split('\r\n');
    const { status, title } = problems[code];
    const headers = new Headers(
      lines.map((line): [string, string] => [line.split(': ', 1)[0] ?? '', line.replace(/^.*?: /, '')]),
    );
    expect(statusLine).toContain(` ${status}`);
    expect(Object.fromEntries(headers)).toMatchObject({
      ...securityHeaders(),
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(body)).toMatchObject({
      code,
      status,
      title,
      traceId: expect.stringMatching(/^\w{32}$/),
    });
  });

  it('passes sockets on', async () => {
    const sockets = new WebSocketServer({ server: standIns.get('notifier') as Server });
    sockets.on('connection', (socket) => socket.send('here'));
    const client = new WebSocket(`${nginx.url.replace('http', 'ws')}/v1/push`);
    const [message] = await once(client, 'message');
    expect(String(message)).toBe('here');
    client.terminate();
    sockets.close();
  });

  it('answers 503 as a problem where a service is away', async () => {
    const server = standIns.get('command-api');
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    const { answer, asked } = await ask('/v1/sessions', 'POST');
    expect(answer.status).toBe(503);
    expect(Object.fromEntries(answer.headers)).toMatchObject({ ...securityHeaders(), 'retry-after': '1' });
    expect(asked).toMatchObject({ code: 'unavailable', status: 503, instance: '/v1/sessions' });
  });
});
