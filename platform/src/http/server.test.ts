import { Problem } from '@annals/contracts/problems';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { bindInternal } from './bound-routes.ts';
import {
  getNote,
  listNotes,
  PUBLIC_URL,
  removeNote,
  SAMPLE_ID,
  sampleRoutes,
  sampleServer,
} from './sample.fixture.ts';
import type { createHttpServer } from './server.ts';
import { bind } from './types.ts';

const PROBLEM = 'application/problem+json; charset=utf-8';
const answer = async () => ({ status: 200 });

it('refuses to start where handlers and route table do not fit together', async () => {
  const start = (bound: Parameters<typeof createHttpServer>[0]['bound']) => sampleServer({ bound });
  const all = sampleRoutes
    .filter(({ service }) => service === 'command-api')
    .map((route) => bind(route, answer));
  await expect(start(all.slice(1))).rejects.toThrow('createNote has no handler');
  await expect(start([...all, bind(removeNote, answer)])).rejects.toThrow(
    'removeNote is no route of command-api',
  );
  await expect(start([...all, bind({ ...getNote }, answer)])).rejects.toThrow(
    'getNote is no route of command-api',
  );
  await expect(start([...all, bind(getNote, answer)])).rejects.toThrow('getNote has two handlers');
});

it('answers problems by RFC 9457, with a type that is a page of the docs', async () => {
  const handlers = {
    getNote: () =>
      Promise.reject(new Problem('revision-mismatch', 'It moved.', { extra: { actualRevision: 4 } })),
  };
  const { server } = await sampleServer({ handlers });
  const response = await server.inject({ url: '/v1/notes/a?', headers: { 'x-secret': 's' } });
  expect(response.headers).toMatchObject({ 'content-type': PROBLEM, 'cache-control': 'no-store' });
  expect(response.statusCode).toBe(412);
  expect(response.json()).toEqual({
    type: `${PUBLIC_URL}/docs/problems/revision-mismatch`,
    title: 'The resource has moved on',
    status: 412,
    detail: 'It moved.',
    instance: '/v1/notes/a',
    code: 'revision-mismatch',
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    actualRevision: 4,
  });
});

it('answers unknown errors with 500, leaks nothing and logs them with their stack', async () => {
  const { server, lines } = await sampleServer({
    handlers: { getNote: () => Promise.reject(new Error('hunter2')) },
  });
  const response = await server.inject({ url: '/v1/notes/a?', headers: { authorization: 'Bearer ada' } });
  expect(response.statusCode).toBe(500);
  expect(response.json()).toMatchObject({ code: 'internal-error' });
  expect(response.payload).not.toContain('hunter');
  const line = lines.find(({ level }) => level === 'error');
  expect(line).toMatchObject({
    err: { message: 'hunter2', stack: expect.any(String) },
    route: '/v1/notes/{idOrSlug}',
  });
  expect(line?.traceId).toBe(response.json().traceId);
});

it('answers an error thrown outside of a promise, an unserialisable body and an invalid header like any other', async () => {
  const handlers = {
    getNote: () => {
      throw new Error('at once');
    },
    listNotes: async () => ({ status: 200, body: { big: 1n } }),
    logIn: async () => ({ status: 201, headers: { location: '/\u4e2d\r\nx: y' } }),
  };
  const { server } = await sampleServer({ handlers });
  for (const request of [
    { url: '/v1/notes/a' },
    { url: '/v1/notes' },
    { url: '/v1/log-ins', method: 'POST', payload: { password: 'p' } },
  ] as const) {
    expect((await server.inject(request)).json()).toMatchObject({ status: 500, code: 'internal-error' });
  }
});

it('answers unknown paths with 404', async () => {
  const { server } = await sampleServer();
  for (const url of ['/', '/nope', '/v1/notes/', '/v1//notes', '/V1/notes', '/metrics', '/internal/x']) {
    const response = await server.inject({ url });
    expect([url, response.statusCode, response.headers['content-type']]).toEqual([url, 404, PROBLEM]);
  }
});

it.each(['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'] as const)(
  'answers %s on a path without it with 405 and Allow from the whole table',
  async (method) => {
    const { server } = await sampleServer();
    const response = await server.inject({ method: method as 'PUT', url: '/v1/notes?x=1' });
    expect(response.statusCode).toBe(405);
    expect(response.json()).toMatchObject({ code: 'method-not-allowed' });
    expect(response.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
  },
);

it('counts methods that other services answer into Allow, but does not answer them', async () => {
  const { server } = await sampleServer();
  const url = `/v1/notes/${SAMPLE_ID}`;
  expect((await server.inject({ method: 'PUT', url })).headers.allow).toBe(
    'DELETE, GET, HEAD, OPTIONS, PATCH',
  );
  expect((await server.inject({ method: 'DELETE', url })).statusCode).toBe(404);
});

it('answers OPTIONS with Allow', async () => {
  const { server } = await sampleServer();
  const response = await server.inject({ method: 'OPTIONS', url: '/v1/notes' });
  expect([response.statusCode, response.payload]).toEqual([204, '']);
  expect(response.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
  expect(response.headers).not.toHaveProperty('access-control-allow-methods');
  expect((await server.inject({ method: 'OPTIONS', url: '/nope' })).statusCode).toBe(404);
});

it('answers HEAD like GET, without the body', async () => {
  const { server } = await sampleServer();
  const [head, get] = await Promise.all([
    server.inject({ method: 'HEAD', url: '/v1/notes?page=2' }),
    server.inject({ method: 'GET', url: '/v1/notes?page=2' }),
  ]);
  expect(head.payload).toBe('');
  expect(head.statusCode).toBe(200);
  expect(head.headers['content-length']).toBe(get.headers['content-length']);
  expect((await server.inject({ method: 'HEAD', url: '/v1/notes?x=2' })).statusCode).toBe(400);
});

it('lets scripts of allowed origins call, and of no others', async () => {
  const { server } = await sampleServer();
  const preflight = (origin: string) =>
    server.inject({
      method: 'OPTIONS',
      url: '/v1/notes',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'if-match',
      },
    });
  const allowed = await preflight('https://console.test');
  expect(allowed.statusCode).toBe(204);
  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': 'https://console.test',
    'access-control-allow-methods': 'GET, HEAD, OPTIONS, POST',
    'access-control-allow-headers': expect.stringMatching(/Authorization.*Idempotency-Key.*If-Match/),
    vary: 'Origin',
  });
  const refused = await preflight('https://console.test.evil.test');
  expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);

  const get = await server.inject({ url: '/v1/notes?x=1', headers: { origin: 'https://console.test' } });
  expect(get.headers['access-control-allow-origin']).toBe('https://console.test');
  expect(get.headers['access-control-expose-headers']).toMatch(
    /Annals-Position.*ETag.*Idempotency-Replayed.*RateLimit/,
  );
  const other = await server.inject({ url: '/v1/notes', headers: { origin: 'null' } });
  expect(other.headers).not.toHaveProperty('access-control-allow-origin');
});

it('sends security headers with every answer; a handler can replace them', async () => {
  const handlers = {
    getNote: async () => ({
      status: 200,
      body: '<p>',
      headers: { 'Content-Security-Policy': 'x', 'Content-Type': 'text/html' },
    }),
  };
  const { server } = await sampleServer({ handlers });
  for (const url of ['/v1/notes', '/nope', '/v1/%ff']) {
    expect((await server.inject({ url })).headers).toMatchObject({
      'content-security-policy':
        "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    });
  }
  const page = await server.inject({ url: '/v1/notes/a' });
  expect(page.headers).toMatchObject({ 'content-security-policy': 'x', 'content-type': 'text/html' });
  expect(page.payload).toBe('<p>');
});

it('X2 answers under its own names alone, where it is told them: a proxy’s client counts, and strangers’ headers do not', async () => {
  const overrides = { allowedHosts: ['api.test'], trustedProxies: ['10.0.0.0/8'] };
  const { server } = await sampleServer(overrides);
  const ask = async (host: string, forwarded?: string, remoteAddress = '10.0.0.1') => {
    const headers = { host, ...(forwarded === undefined ? {} : { 'x-forwarded-host': forwarded }) };
    const { statusCode, payload } = await server.inject({ url: '/v1/notes/a', headers, remoteAddress });
    return [statusCode, JSON.parse(payload).code];
  };
  const misdirected = [421, 'misdirected-request'];
  expect(await ask('API.test:8080')).toEqual([200, undefined]);
  expect(await ask('evil.test')).toEqual(misdirected);
  expect(await ask('gateway', 'api.test')).toEqual([200, undefined]);
  expect(await ask('api.test', 'evil.test')).toEqual(misdirected);
  expect(await ask('evil.test', 'api.test', '192.0.2.1')).toEqual(misdirected);
});

it('adds to Vary instead of replacing it', async () => {
  const handlers = { getNote: async () => ({ status: 200, body: {}, headers: { Vary: 'Authorization' } }) };
  const { server } = await sampleServer({ handlers });
  expect((await server.inject({ url: '/v1/notes/a' })).headers.vary).toBe('Origin, Authorization');
});

it('believes X-Forwarded-For of trusted proxies only', async () => {
  const forwarded = { url: '/v1/notes', headers: { 'x-forwarded-for': '203.0.113.9, 10.1.2.3' } };
  const addressSeen = async (trustedProxies: string[]) => {
    const { server, seen } = await sampleServer({ trustedProxies });
    await server.inject(forwarded);
    return seen[0]?.caller.address;
  };
  expect(await addressSeen([])).toBe('127.0.0.1');
  expect(await addressSeen(['10.0.0.0/8'])).toBe('127.0.0.1');
  expect(await addressSeen(['127.0.0.0/8'])).toBe('10.1.2.3');
  expect(await addressSeen(['127.0.0.0/8', '10.0.0.0/8'])).toBe('203.0.113.9');
});

it('I4 takes what a proxy passes on that is no address for the proxy itself, so that nobody is many callers', async () => {
  const { server, seen } = await sampleServer({ trustedProxies: ['127.0.0.0/8'] });
  for (const made of ['made-up', '203.0.113.9:4711', '', '203.0.113.9, made-up', '203.0.113.9'])
    await server.inject({ url: '/v1/notes', headers: { 'x-forwarded-for': made } });
  const [last, ...others] = seen.map(({ caller }) => caller.address).reverse();
  expect(last).toBe('203.0.113.9');
  expect(new Set(others)).toEqual(new Set(['127.0.0.1']));
});

it('tells handlers url, user agent, trace and a correlation id that follows from the trace', async () => {
  const { server, seen } = await sampleServer();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const headers = { traceparent, 'user-agent': 'test/1' };
  await server.inject({ url: '/v1/notes?page=2', headers });
  await server.inject({ url: '/v1/notes', headers: { traceparent: 'nonsense' } });
  expect(seen[0]).toMatchObject({ url: '/v1/notes?page=2', userAgent: 'test/1', traceparent });
  expect(seen[0]?.correlationId).toBe('0af76519-16cd-83dd-8448-eb211c80319c');
  expect(z.uuid().safeParse(seen[1]?.correlationId).success).toBe(true);
  expect(seen[1]?.traceparent).not.toBe('nonsense');
});

it('aborts a handler’s signal when the client goes away, and not before', async () => {
  const aborted = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const handlers = {
    listNotes: async ({ signal }: { signal: AbortSignal }) => {
      expect(signal.aborted).toBe(false);
      signal.addEventListener('abort', () => aborted.resolve());
      started.resolve();
      await aborted.promise;
      return { status: 200 };
    },
  };
  const { server } = await sampleServer({ handlers });
  const base = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = new AbortController();
  const request = fetch(`${base}/v1/notes`, { signal: client.signal });
  await started.promise;
  client.abort();
  await expect(request).rejects.toThrow();
  await aborted.promise;
  await server.close();
});

it('shows health, and says not ready where the service does', async () => {
  let ready = true;
  const { server } = await sampleServer({ isReady: async () => ready });
  expect((await server.inject({ url: '/health/live' })).json()).toEqual({ status: 'live' });
  expect((await server.inject({ url: '/health/ready' })).json()).toEqual({ status: 'ready' });
  ready = false;
  expect((await server.inject({ url: '/health/ready' })).statusCode).toBe(503);
});

it('serves internal routes to our own services and hides them from everyone else', async () => {
  const release = bindInternal(
    {
      method: 'POST',
      path: '/internal/locks/{id}',
      params: z.strictObject({ id: z.uuid() }),
      body: z.strictObject({ by: z.string() }),
    },
    async ({ params, body, caller }) => ({
      status: 200,
      body: { id: params.id, by: body.by, caller: caller.name },
    }),
  );
  const { server } = await sampleServer({ internal: [release] });
  const call = (authorization: string | undefined, payload: object) =>
    server.inject({
      method: 'POST',
      url: `/internal/locks/${SAMPLE_ID}`,
      headers: authorization ? { authorization } : {},
      payload,
    });
  expect((await call('Bearer worker', { by: 'me' })).json()).toEqual({
    id: SAMPLE_ID,
    by: 'me',
    caller: 'worker',
  });
  expect((await call('Bearer worker', { by: 1 })).statusCode).toBe(422);
  for (const authorization of [undefined, 'Bearer ada', 'Bearer staff']) {
    expect((await call(authorization, { by: 'me' })).json()).toMatchObject({ code: 'not-found' });
  }
  expect((await call('Bearer forged', { by: 'me' })).statusCode).toBe(401);
});

it('sends text and buffers as they are, and nothing where there is no body', async () => {
  const bodies = ['{"raw":1}', Buffer.from('{"raw":2}'), undefined];
  const handlers = { listNotes: async () => ({ status: 200, body: bodies.shift() }) };
  const { server } = await sampleServer({ handlers });
  const first = await server.inject({ url: '/v1/notes' });
  expect([first.payload, first.headers['content-type']]).toEqual([
    '{"raw":1}',
    'application/json; charset=utf-8',
  ]);
  expect((await server.inject({ url: '/v1/notes' })).payload).toBe('{"raw":2}');
  const empty = await server.inject({ url: '/v1/notes' });
  expect([empty.payload, empty.headers['content-type']]).toEqual(['', undefined]);
});

it('keeps answers out of caches unless the handler says otherwise', async () => {
  const handlers = {
    getNote: async () => ({ status: 200, body: {}, headers: { 'Cache-Control': 'no-cache' } }),
  };
  const { server } = await sampleServer({ handlers });
  expect((await server.inject({ url: listNotes.path })).headers['cache-control']).toBe('no-store');
  expect((await server.inject({ url: '/v1/notes/a' })).headers['cache-control']).toBe('no-cache');
});
