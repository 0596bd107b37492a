import { Problem } from '@annals/contracts/problems';
import { expect, it, vi } from 'vitest';
import { createLogger } from '../telemetry/logger.ts';
import { timed } from '../telemetry/query-time.ts';
import { createTracing, type Span, type SpanOptions, type Tracing } from '../telemetry/tracing.ts';
import { sampleServer } from './sample.fixture.ts';

it('counts every request by route, method and status', async () => {
  const { server, metrics } = await sampleServer();
  await server.inject({ url: '/v1/notes/a-secret-slug' });
  await server.inject({ url: '/v1/notes?x=1' });
  await server.inject({ url: '/nope' });
  const text = await metrics.metrics();
  expect(text).toContain(
    'annals_http_request_duration_seconds_count{route="/v1/notes/{idOrSlug}",method="GET",status="200"} 1',
  );
  expect(text).toContain('_count{route="/v1/notes",method="GET",status="400"} 1');
  expect(text).toContain('_count{route="unknown",method="GET",status="404"} 1');
  expect(text).not.toContain('a-secret-slug');
});

it('opens a server span per request, whose parent the client named, and fails it on a 5xx alone', async () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const spans: { name: string; options: SpanOptions | undefined; attributes: object; error: unknown }[] = [];
  const inner = await createTracing({ service: 'test', logger });
  const tracing: Tracing = {
    ...inner,
    start(name, options): Span {
      const entry = { name, options, attributes: {}, error: undefined as unknown };
      spans.push(entry);
      const span = inner.start(name, options);
      return {
        ...span,
        set: (more) => Object.assign(entry.attributes, more),
        end: (error) => {
          entry.error = error;
        },
      };
    },
  };
  const handlers = { getNote: () => Promise.reject(new Error('broken')) };
  const { server } = await sampleServer({ tracing, handlers });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await server.inject({ url: '/v1/notes?x=1', headers: { traceparent } });
  await server.inject({ url: '/v1/notes/a' });
  expect(spans).toMatchObject([
    {
      name: 'GET /v1/notes',
      options: { kind: 'server', parent: traceparent, attributes: { 'http.route': '/v1/notes' } },
      attributes: { 'http.response.status_code': 400 },
      error: undefined,
    },
    {
      name: 'GET /v1/notes/{idOrSlug}',
      attributes: { 'http.response.status_code': 500 },
      error: { message: 'broken' },
    },
  ]);
});

it('logs each request with its route, never its path, query, headers or body', async () => {
  const { server, lines } = await sampleServer();
  await server.inject({
    method: 'POST',
    url: '/v1/log-ins?hunter1=hunter2',
    headers: { authorization: 'Bearer hunter3', cookie: 'hunter4' },
    payload: { password: 'hunter5' },
  });
  await server.inject({ url: '/v1/notes/hunter6' });
  expect(lines.filter(({ category }) => category !== 'security')).toMatchObject([
    { level: 'info', route: '/v1/log-ins', method: 'POST', status: 401, message: 'request refused' },
    {
      level: 'debug',
      route: '/v1/notes/{idOrSlug}',
      status: 200,
      traceId: expect.any(String),
      durationMs: expect.any(Number),
    },
  ]);
  expect(JSON.stringify(lines)).not.toContain('hunter');
});

it('X3 tells the security log of 401, 403 and 429, of the last once a minute and caller', async () => {
  const refusals = [
    'unauthenticated',
    'forbidden',
    'not-found',
    'too-many-requests',
    'too-many-requests',
  ] as const;
  const left = [...refusals];
  const handlers = { listNotes: () => Promise.reject(new Problem(left.shift() ?? 'forbidden', 'No.')) };
  const { server, lines } = await sampleServer({ handlers });
  for (const _ of refusals) await server.inject({ url: '/v1/notes' });
  const told = lines.filter(({ category }) => category === 'security');
  const request = { action: 'request', outcome: 'refused', route: '/v1/notes', method: 'GET' };
  expect(told).toMatchObject([
    { ...request, status: 401, reason: 'unauthenticated', userId: null, address: '127.0.0.1' },
    { ...request, status: 403, reason: 'forbidden', traceId: expect.any(String) },
    { ...request, status: 429, reason: 'too-many-requests' },
  ]);
});

it('X4 warns of slow requests, and says how often and how long they asked others', async () => {
  const clock = vi.spyOn(performance, 'now');
  const { server, lines } = await sampleServer({
    handlers: {
      listNotes: async () => {
        await timed(async () => clock.mockReturnValue(4_500));
        await timed(async () => clock.mockReturnValue(5_000));
        return { status: 200 };
      },
    },
  });
  clock.mockReturnValue(1_000);
  const response = await server.inject({ url: '/v1/notes' });
  clock.mockRestore();
  expect(response.headers['server-timing']).toBe('total;dur=4000.0, db;dur=4000.0;desc="queries: 2"');
  expect(lines).toMatchObject([
    { level: 'warn', message: 'slow request', durationMs: 4_000, queries: 2, queryMs: 4_000 },
  ]);
});

it('logs the cause of a 503 and asks clients to wait', async () => {
  const problem = new Problem('unavailable', 'No database.', {
    cause: new Error('refused'),
    retryAfter: 2.1,
  });
  const { server, lines } = await sampleServer({ handlers: { listNotes: () => Promise.reject(problem) } });
  const response = await server.inject({ url: '/v1/notes' });
  expect(response.headers['retry-after']).toBe('3');
  expect(lines).toMatchObject([{ level: 'warn', status: 503, err: { message: 'refused' } }]);
  expect(response.payload).not.toContain('refused');
});
