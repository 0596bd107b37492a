import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { PUBLIC_URL, sampleServer } from './sample.fixture.ts';
import { securityHeaders } from './security-headers.ts';

let sample: Awaited<ReturnType<typeof sampleServer>>;
let port: number;
beforeAll(async () => {
  sample = await sampleServer();
  port = Number(new URL(await sample.server.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => sample.server.close());

/** Sends bytes as they are and returns the answer's status, headers and document. */
async function raw(...chunks: (string | Buffer)[]) {
  const socket = connect(port, '127.0.0.1');
  for (const chunk of chunks) socket.write(chunk);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  expect(Buffer.byteLength(body)).toBe(length);
  return {
    status: Number(head.split(' ')[1]),
    head: head.toLowerCase(),
    document: JSON.parse(body) as Record<string, unknown>,
  };
}

it('X2 answers what is no HTTP with a problem that has the security headers of any other answer', async () => {
  for (const request of [
    'nonsense\r\n\r\n',
    'FROB / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n',
  ]) {
    const { status, head, document } = await raw(request);
    expect(status).toBe(400);
    expect(head).toContain('content-type: application/problem+json');
    for (const [name, value] of Object.entries(securityHeaders()))
      expect(head).toContain(`${name}: ${value.toLowerCase()}\r\n`);
    expect(document).toMatchObject({
      type: `${PUBLIC_URL}/docs/problems/malformed-request`,
      code: 'malformed-request',
    });
  }
});

it('answers oversized headers and addresses with 431', async () => {
  const header = `GET /v1/notes HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
  const address = `GET /v1/notes?${'x'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`;
  for (const request of [header, address]) {
    expect(await raw(request)).toMatchObject({ status: 431, document: { code: 'headers-too-large' } });
  }
});

it('answers contradicting framing with 400', async () => {
  const request =
    'POST /v1/notes HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
  expect(await raw(request)).toMatchObject({ status: 400, document: { code: 'malformed-request' } });
});

it.each(['declared', 'chunked'])(
  'answers a body of 10 MB (%s) with 413 to a client that sends it all',
  async (kind) => {
    const part = Buffer.alloc(64 * 1024, 'x');
    const head = [
      'POST /v1/log-ins HTTP/1.1',
      'host: a',
      'connection: close',
      'content-type: application/json',
    ];
    const framing =
      kind === 'declared' ? `content-length: ${160 * part.length}` : 'transfer-encoding: chunked';
    const chunks = Array.from({ length: 160 }, () =>
      kind === 'declared' ? part : Buffer.concat([Buffer.from('10000\r\n'), part, Buffer.from('\r\n')]),
    );
    const end = kind === 'declared' ? [] : ['0\r\n\r\n'];
    const answer = await raw(`${[...head, framing].join('\r\n')}\r\n\r\n`, ...chunks, ...end);
    expect(answer).toMatchObject({ status: 413, document: { code: 'body-too-large' } });
  },
);

it('answers a refusal that came before the body to a client that sends it all', async () => {
  const head = 'POST /v1/notes HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4000000\r\n\r\n';
  expect(await raw(head, Buffer.alloc(4_000_000, 'x'))).toMatchObject({ status: 401 });
});

it('does not wait for a refused body that is far too long', async () => {
  const head =
    'POST /v1/log-ins HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 99999999999\r\n\r\n';
  expect(await raw(head)).toMatchObject({ status: 413 });
});

it('takes chunked bodies', async () => {
  const body = '{"password":"p"}';
  const request = `POST /v1/log-ins HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
  const socket = connect(port, '127.0.0.1');
  socket.write(`${request}8\r\n${body.slice(0, 8)}\r\n8\r\n${body.slice(8)}\r\n0\r\n\r\n`);
  expect(await text(socket)).toContain('"password":"p"');
});

it('goes on after a client that vanished in the middle of its body', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /v1/log-ins HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"pass',
  );
  socket.once('error', () => undefined);
  const gone = new Promise((resolve) => socket.once('close', resolve));
  setImmediate(() => socket.resetAndDestroy());
  await gone;
  await vi.waitFor(() =>
    expect(sample.lines).toContainEqual(expect.objectContaining({ route: '/v1/log-ins', status: 400 })),
  );
  expect((await sample.server.inject({ url: '/v1/notes' })).statusCode).toBe(200);
  expect(sample.lines.filter(({ level }) => level === 'error')).toEqual([]);
});
