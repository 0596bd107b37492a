import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { parseTraceparent } from './traceparent.ts';
import { createTracing, type Span } from './tracing.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-1111111916cd43dd8448eb211c80319c-222222226920aaaa-01';
const logger = createLogger({ service: 'tested', level: 'silent' });
const bytes = (hex: string) => Buffer.from(hex, 'hex');

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A collector that keeps what it is sent. */
async function collector() {
  const posts: { url: string | undefined; body: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    posts.push({ url: request.url, body: Buffer.concat(await request.toArray()) });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return { posts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('without a collector', () => {
  it('gives every new span a trace of its own, and a child the trace of its parent', async () => {
    const tracing = await createTracing({ service: 'tested', logger });
    const [a, b] = [tracing.start('a'), tracing.start('b')];
    expect(parseTraceparent(a.traceparent)).toMatchObject({ traceId: a.traceId, flags: 0 });
    expect(a.traceId).not.toBe(b.traceId);
    expect(tracing.start('child', { parent: PARENT })).toMatchObject({
      traceparent: PARENT,
      traceId: '0af7651916cd43dd8448eb211c80319c',
    });
  });

  it('starts a new trace where the parent is malformed', async () => {
    const tracing = await createTracing({ service: 'tested', logger });
    for (const parent of [
      '',
      'nonsense',
      PARENT.toUpperCase(),
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      `ff${PARENT.slice(2)}`,
    ]) {
      const { traceparent } = tracing.start('child', { parent });
      expect(traceparent).not.toBe(parent);
      expect(parseTraceparent(traceparent)).toBeDefined();
    }
  });

  it('gives the result of the work, and its error', async () => {
    const tracing = await createTracing({ service: 'tested', logger });
    expect(await tracing.span('works', {}, () => Promise.resolve(7))).toBe(7);
    await expect(tracing.span('fails', {}, () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    );
  });
});

describe('with a collector', () => {
  it('sends spans with name, parent, links and attributes', async () => {
    const { posts, url } = await collector();
    const tracing = await createTracing({ service: 'tested-service', otlpEndpoint: url, logger });
    let inner: Span | undefined;
    await tracing.span(
      'outer-span',
      { kind: 'server', parent: PARENT, links: [OTHER], attributes: { 'annals.kind': 'x' } },
      (span) => {
        inner = span;
        return Promise.resolve();
      },
    );
    await tracing.shutdown();
    expect(inner?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(inner?.traceparent).not.toBe(PARENT);
    const [post] = posts;
    expect(post?.url).toBe('/v1/traces');
    for (const part of ['tested-service', 'outer-span', 'annals.kind'])
      expect(post?.body.includes(part)).toBe(true);
    for (const hex of ['b7ad6b7169203331', '222222226920aaaa', '0af7651916cd43dd8448eb211c80319c']) {
      expect(post?.body.includes(bytes(hex))).toBe(true);
    }
  });

  it('sends nothing of a trace that its client chose not to sample', async () => {
    const { posts, url } = await collector();
    const tracing = await createTracing({ service: 'tested', otlpEndpoint: url, logger });
    const span = tracing.start('unsampled', { parent: PARENT.replace(/01$/, '00') });
    expect(span.traceparent).toMatch(/-00$/);
    span.end();
    await tracing.shutdown();
    expect(posts).toEqual([]);
  });

  it('logs that the collector is away, and works on', async () => {
    const lines: string[] = [];
    const tracing = await createTracing({
      service: 'tested',
      otlpEndpoint: 'http://127.0.0.1:9',
      logger: createLogger({ service: 'tested', destination: { write: (line) => lines.push(line) } }),
    });
    tracing.start('lost').end();
    await tracing.shutdown();
    expect(lines.join('')).toContain('spans could not be sent');
  });
});
