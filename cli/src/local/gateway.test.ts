import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { defineRoute } from '@annals/contracts/kit/route';
import { securityHeaders } from '@annals/platform/http/security-headers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { freePorts } from './free-port.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { type Sample, sample } from './upstream.fixture.ts';

const base = { tag: 't', summary: 's', access: 'anyone', success: { status: 200 } } as const;
const params = z.strictObject({ id: z.string() });
const slugParams = z.strictObject({ slug: z.string() });
const routes = [
  defineRoute({ ...base, name: 'list', method: 'GET', path: '/v1/things', service: 'query-api' }),
  defineRoute({ ...base, name: 'make', method: 'POST', path: '/v1/things', service: 'command-api' }),
  defineRoute({
    ...base,
    name: 'get',
    method: 'GET',
    path: '/v1/things/{slug}',
    service: 'query-api',
    params: slugParams,
  }),
  defineRoute({
    ...base,
    name: 'change',
    method: 'PATCH',
    path: '/v1/things/{id}',
    service: 'command-api',
    params,
  }),
  defineRoute({ ...base, name: 'push', method: 'GET', path: '/v1/push', service: 'notifier' }),
];

describe('the gateway', () => {
  let commands: Sample;
  let queries: Sample;
  let notifier: Sample;
  let gateway: Gateway;
  let url: string;
  const extra: Sample[] = [];

  async function open(more: readonly { service: string; url: string; opsUrl: string }[] = []): Promise<void> {
    const named = [
      { service: 'command-api', url: commands.url, opsUrl: commands.opsUrl },
      { service: 'query-api', url: queries.url, opsUrl: queries.opsUrl },
      { service: 'notifier', url: notifier.url, opsUrl: notifier.opsUrl },
    ];
    gateway = await createGateway({ routes, upstreams: [...named, ...more], publicUrl: 'http://public' });
    url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  }

  beforeEach(async () => {
    [commands, queries, notifier] = [
      await sample('commands'),
      await sample('queries'),
      await sample('notifier'),
    ];
  });
  afterEach(async () => {
    await gateway.close();
    await Promise.all([commands, queries, notifier, ...extra.splice(0)].map((one) => one.close()));
  });

  test('I4 sends each route to its service, with query, body, and the client’s address, whatever the client says of it', async () => {
    await open();
    const answers = await Promise.all([
      fetch(`${url}/v1/things?a=%20b&a=2`),
      fetch(`${url}/v1/things/x%2Fy`, {
        method: 'PATCH',
        body: 'hello',
        headers: { 'x-forwarded-for': '10.1.2.3' },
      }),
      fetch(`${url}/v1/things/x`, { method: 'HEAD' }),
    ]);
    expect(answers.map(({ headers }) => headers.get('x-upstream'))).toEqual([
      'queries',
      'commands',
      'queries',
    ]);
    expect(commands.seen).toMatchObject([
      {
        method: 'PATCH',
        url: '/v1/things/x%2Fy',
        body: 'hello',
        headers: { 'x-forwarded-for': '127.0.0.1' },
      },
    ]);
    expect(queries.seen.map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
      'GET /v1/things?a=%20b&a=2',
      'HEAD /v1/things/x',
    ]);
  });

  test('X2 has the security headers of services on what it answers itself', async () => {
    await open();
    await commands.close();
    for (const [status, path, init] of [
      [200, '/', {}],
      [200, '/health', {}],
      [400, '/v1/%zz', {}],
      [404, '/nope', {}],
      [405, '/v1/things/x', { method: 'DELETE' }],
      [431, '/v1/things', { headers: { 'x-large': 'x'.repeat(20_000) } }],
      [503, '/v1/things', { method: 'POST' }],
    ] as const) {
      const answer = await fetch(`${url}${path}`, init);
      expect([path, answer.status, Object.fromEntries(answer.headers)]).toMatchObject([
        path,
        status,
        securityHeaders(),
      ]);
    }
  });

  test('what the table does not hold is a problem: unknown paths, wrong methods with Allow, internal calls', async () => {
    await open();
    const wrong = await fetch(`${url}/v1/things/x`, { method: 'DELETE' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, PATCH']);
    expect(await wrong.json()).toMatchObject({
      code: 'method-not-allowed',
      type: 'http://public/docs/problems/method-not-allowed',
    });
    for (const path of [
      '/nope',
      '/internal/sessions/1',
      '/admin/status',
      '/metrics',
      '/health/ready',
      '/v1/%zz',
    ]) {
      const answer = await fetch(`${url}${path}`);
      expect([404, 400]).toContain(answer.status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    }
    expect([commands, queries].flatMap(({ seen }) => seen)).toEqual([]);
  });

  test.each(['/v1/things/..', '/v1/things/%2e%2E', '/v1/things/.', '/v1/things/..a', '/v1/things/a..%2fb'])(
    '%s reaches no other path, and is not there',
    async (path) => {
      await open();
      const request = httpRequest(`${url}`, { path }).end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect([response.statusCode, queries.seen.length]).toEqual([404, 0]);
      response.resume();
    },
  );

  test('OPTIONS goes to a service, which knows the table and the origins', async () => {
    await open();
    const answer = await fetch(`${url}/v1/things`, { method: 'OPTIONS' });
    expect(answer.headers.get('x-upstream')).toBe('queries');
  });

  test('requests take turns among those that are ready', async () => {
    const second = await sample('queries two');
    const third = await sample('queries three');
    third.isReady = false;
    extra.push(second, third);
    await open([second, third].map(({ url, opsUrl }) => ({ service: 'query-api', url, opsUrl })));
    for (let n = 0; n < 4; n++) await (await fetch(`${url}/v1/things`)).text();
    expect([queries, second, third].map(({ seen }) => seen.length)).toEqual([2, 2, 0]);
  });

  test('a refused connection is retried on the next, whatever the method; the body arrives once', async () => {
    const [port = 0] = await freePorts(1);
    await open([{ service: 'command-api', url: `http://127.0.0.1:${port}`, opsUrl: commands.opsUrl }]);
    for (let n = 0; n < 4; n++) {
      const answer = await fetch(`${url}/v1/things`, { method: 'POST', body: `body ${n}` });
      expect(await answer.text()).toBe(`commands body ${n}`);
    }
    expect(commands.seen).toHaveLength(4);
  });

  test('who stood in for another process does not stay in its place', async () => {
    const [port = 0] = await freePorts(1);
    await open([{ service: 'command-api', url: `http://127.0.0.1:${port}`, opsUrl: commands.opsUrl }]);
    const post = async () => (await fetch(`${url}/v1/things`, { method: 'POST', body: 'x' })).text();
    for (let n = 0; n < 4; n++) await post();
    extra.push(await sample('second', port));
    const answers = [await post(), await post(), await post(), await post()];
    expect(answers.sort()).toEqual(['commands x', 'commands x', 'second x', 'second x']);
  });

  test('a process that says good-bye gets no more requests, though it was ready a moment ago', async () => {
    const second = await sample('second');
    extra.push(second);
    await open([{ service: 'query-api', url: second.url, opsUrl: second.opsUrl }]);
    queries.server.prependListener('request', (_, response) => {
      queries.isReady = false;
      response.setHeader('connection', 'close');
    });
    for (let n = 0; n < 6; n++) await (await fetch(`${url}/v1/things`)).text();
    expect([queries.seen.length, second.seen.length]).toEqual([1, 5]);
  });

  test('a read whose connection is lost is asked of another; a write is not repeated', async () => {
    const second = await sample('second');
    extra.push(second);
    await open([
      { service: 'query-api', url: second.url, opsUrl: second.opsUrl },
      { service: 'command-api', url: second.url, opsUrl: second.opsUrl },
    ]);
    for (const { server } of [queries, commands])
      server.prependListener('request', (request) => request.socket.destroy());
    const read = await fetch(`${url}/v1/things`);
    expect([read.status, read.headers.get('x-upstream')]).toEqual([200, 'second']);
    const written = [await fetch(`${url}/v1/things`, { method: 'POST', body: '1' })];
    written.push(await fetch(`${url}/v1/things`, { method: 'POST', body: '2' }));
    expect(written.map(({ status }) => status).sort()).toEqual([200, 503]);
  });

  test('services reach each other’s processes by name, whichever of them is there, on a port of its own', async () => {
    const [port = 0, gone = 0] = await freePorts(2);
    gateway = await createGateway({
      routes,
      upstreams: [
        { service: 'query-api', url: `http://127.0.0.1:${gone}`, opsUrl: queries.opsUrl },
        { service: 'query-api', url: queries.url, opsUrl: queries.opsUrl },
      ],
      publicUrl: 'http://public',
    });
    await gateway.listen({ host: '127.0.0.1', port: 0, internalPort: port });
    const path = '/internal/channels/article%3Ax?minPosition=1';
    for (let n = 0; n < 2; n++)
      expect((await fetch(`http://127.0.0.1:${port}/query-api${path}`)).status).toBe(200);
    expect(queries.seen.map((seen) => seen.url)).toEqual([path, path]);
  });

  test('a 503 of a service is passed on as it came, at once', async () => {
    await open();
    queries.server.prependListener('request', (_, response) => {
      response.setHeader('retry-after', '1').statusCode = 503;
    });
    const answer = await fetch(`${url}/v1/things`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(queries.seen).toHaveLength(1);
  });

  test('a service that is away is a 503 that says when to come back; /health says which', async () => {
    await open();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await queries.close();
    const answer = await fetch(`${url}/v1/things`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ code: 'unavailable', status: 503 });
    await vi.waitFor(async () => {
      const health = await fetch(`${url}/health`);
      expect(health.status).toBe(503);
      expect(await health.json()).toMatchObject({
        services: { 'query-api': 'does not answer', notifier: 'ready' },
      });
    }, 5_000);
  });

  test('headers beyond 16 KiB are a 431', async () => {
    await open();
    const answer = await fetch(`${url}/v1/things`, { headers: { 'x-large': 'x'.repeat(20_000) } });
    expect([answer.status, (await answer.json()) as unknown]).toMatchObject([
      431,
      { code: 'headers-too-large' },
    ]);
  });

  test('a large body streams through', async () => {
    await open();
    const body = 'x'.repeat(5_000_000);
    const answer = await fetch(`${url}/v1/things`, { method: 'POST', body });
    expect((await answer.text()).length).toBe(body.length + 'commands '.length);
  });

  test('sockets pass as they are: subprotocol, frames and close codes; other upgrades are refused', async () => {
    await open();
    const sockets = new WebSocketServer({ server: notifier.server });
    sockets.on('connection', (socket, request) => {
      socket.on('message', (data) => {
        socket.send(`${data} from ${request.headers['x-forwarded-for']}`);
        socket.close(3501, 'out');
      });
    });
    const client = new WebSocket(`${url.replace('http', 'ws')}/v1/push?x=1`, 'annals.v1', {
      headers: { 'x-forwarded-for': '10.1.2.3' },
    });
    client.on('open', () => client.send('hello'));
    const [[message], [code, reason]] = await Promise.all([once(client, 'message'), once(client, 'close')]);
    expect([String(message), client.protocol, code, String(reason)]).toEqual([
      'hello from 127.0.0.1',
      'annals.v1',
      3501,
      'out',
    ]);

    const refused = new WebSocket(`${url.replace('http', 'ws')}/v1/things`);
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    expect([response.statusCode, response.headers['content-type']]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
    response.resume();
  });

  test('a request that offers another protocol, or waits for 100 Continue, is answered like any other', async () => {
    await open();
    const answerTo = async (headers: Record<string, string>, body?: string) => {
      const request = httpRequest(`${url}/v1/things`, { method: body ? 'POST' : 'GET', headers });
      if (body) request.once('continue', () => request.end(body));
      else request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return [response.statusCode, await text(response)];
    };
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    expect(await answerTo(h2c)).toEqual([200, 'queries ']);
    expect(await answerTo({ expect: '100-continue' }, 'one')).toEqual([200, 'commands one']);
  });

  test('closing waits for sockets to be closed by the notifier', async () => {
    await open();
    const sockets = new WebSocketServer({ server: notifier.server });
    const client = new WebSocket(`${url.replace('http', 'ws')}/v1/push`);
    await once(client, 'open');
    const closed = once(client, 'close');
    const closing = gateway.close();
    for (const socket of sockets.clients) socket.close(3001);
    expect((await closed)[0]).toBe(3001);
    await closing;
    const { port, hostname } = new URL(url);
    await expect(once(connect(Number(port), hostname), 'connect')).rejects.toThrow(/ECONNREFUSED/);
  });
});
