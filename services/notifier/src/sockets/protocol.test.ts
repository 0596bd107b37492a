import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startPushServer, TestClient, userId, waitFor } from './push-server.fixture.ts';

const UPGRADE =
  'GET /v1/push HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: annals.v1\r\n\r\n';

let server: Awaited<ReturnType<typeof startPushServer>>;
beforeEach(async () => {
  server = await startPushServer({ sweepMs: 10 });
});
afterEach(() => server.stop());

describe('handshake', () => {
  const refusedWith = async (url: string, options: ConstructorParameters<typeof TestClient>[1]) => {
    const client = new TestClient(url, options);
    const [, response] = await once(client.socket, 'unexpected-response');
    const chunks: Buffer[] = await response.toArray();
    return { status: response.statusCode, problem: JSON.parse(Buffer.concat(chunks).toString()) };
  };

  test.each([
    ['no subprotocol', '', { protocol: '' }, 400, 'malformed-request'],
    ['another subprotocol', '', { protocol: 'annals.v2' }, 400, 'malformed-request'],
    ['a foreign origin', '', { origin: 'http://evil.test' }, 403, 'forbidden'],
    ['the origin null', '', { origin: 'null' }, 403, 'forbidden'],
    ['another path', '/x', {}, 404, 'not-found'],
    ['a token in the address', '?token=user-1', {}, 400, 'unknown-parameter'],
  ])('%s is refused', async (_, suffix, options, status, code) => {
    const refusal = await refusedWith(server.url + suffix, options);
    expect(refusal).toMatchObject({
      status,
      problem: { status, code, type: `http://annals.test/docs/problems/${code}` },
    });
  });

  test('an allowed origin is welcome, and compression is never agreed to', async () => {
    const client = new TestClient(server.url, { origin: 'http://annals.test', perMessageDeflate: true });
    await once(client.socket, 'open');
    expect(client.socket.protocol).toBe('annals.v1');
    expect(client.socket.extensions).toBe('');
    client.socket.terminate();
  });

  test('no more sockets than allowed', async () => {
    const small = await startPushServer({ sockets: 1 });
    await small.connect();
    expect(await refusedWith(small.url, {})).toMatchObject({ status: 503, problem: { code: 'unavailable' } });
    await small.stop();
  });
});

describe('messages', () => {
  test('several in one frame are answered in order', async () => {
    const client = await server.connect();
    client.send(
      { id: 1, type: 'authenticate', token: 'user-1' },
      { id: 2, type: 'subscribe', channel: 'article:x' },
      { type: 'ping' },
    );
    await client.until(({ type }) => type === 'subscribed');
    expect(client.messages).toContainEqual({ id: 1, type: 'authenticated', userId: userId(1) });
    expect(client.messages[0]).toMatchObject({ id: 1 });
    expect(server.world.asked.at(-1)).toMatchObject({ userId: userId(1) });
  });

  test.each([
    ['no JSON', '{"id":1', undefined],
    ['not an object', '[]', undefined],
    ['no type', '{"id":1}', 1],
    ['an unknown type', '{"id":1,"type":"shout"}', 1],
    ['an unknown field', '{"id":1,"type":"ping","x":1}', 1],
    ['a missing channel', '{"id":1,"type":"subscribe"}', 1],
    ['a channel beyond its length', `{"id":1,"type":"subscribe","channel":"${'x'.repeat(101)}"}`, 1],
    ['a position that is none', '{"id":1,"type":"subscribe","channel":"articles","since":"yesterday"}', 1],
    ['a token that is no text', '{"id":1,"type":"authenticate","token":5}', 1],
    ['a deep nest', `${'['.repeat(20_000)}`, undefined],
    ['a prototype', '{"__proto__":{"id":7},"type":"ping"}', undefined],
  ])('%s is answered with bad-message and closes nothing', async (_, text, id) => {
    const client = await server.connect();
    client.socket.send(text);
    const answer = await client.until(({ type }) => type === 'error');
    expect(answer).toMatchObject({ code: 'bad-message', ...(id === undefined ? {} : { id }) });
    expect(await client.request({ id: 99, type: 'ping' })).toEqual({ id: 99, type: 'pong' });
  });

  test('a binary frame is a bad message', async () => {
    const client = await server.connect();
    client.socket.send(Buffer.from('{"type":"ping"}'));
    expect(await client.until(() => true)).toMatchObject({ type: 'error', code: 'bad-message' });
  });

  test('repeated mistakes close with 3500, and what follows in the frame is not read', async () => {
    const client = await server.connect();
    client.socket.send(`${'x\n'.repeat(30)}{"id":1,"type":"ping"}`);
    expect(await client.closed()).toBe(3500);
    expect(client.messages.filter(({ type }) => type === 'error')).toHaveLength(10);
    expect(client.messages.some(({ type }) => type === 'pong')).toBe(false);
  });

  test('more messages than allowed are refused, then close with 3500', async () => {
    const client = await server.connect();
    for (let n = 0; n < 400; n++) client.send({ id: n, type: 'ping' });
    expect(await client.closed()).toBe(3500);
    expect(client.messages.filter(({ type }) => type === 'pong')).toHaveLength(300);
    expect(client.messages.find(({ type }) => type === 'error')).toMatchObject({
      id: 300,
      code: 'too-many-messages',
    });
  });

  test.each([
    ['pings', (client: TestClient, _n: number) => client.socket.ping()],
    ['pongs that nobody asked for', (client: TestClient, _n: number) => client.socket.pong()],
  ])('%s count as messages', async (_, send) => {
    const client = await server.connect();
    for (let n = 0; n < 400; n++) send(client, n);
    expect(await client.closed()).toBe(3500);
    expect(client.messages[0]).toMatchObject({ type: 'error', code: 'too-many-messages' });
  });

  test('a ping is answered with what it carries', async () => {
    const client = await server.connect();
    const answered = once(client.socket, 'pong');
    client.socket.ping('x'.repeat(125));
    expect(String(await answered)).toBe('x'.repeat(125));
  });

  test('answers to pings wait with everything else: a client that does not read is let go', async () => {
    const full = await startPushServer({ queueBytes: -1 });
    const client = await full.connect();
    client.socket.ping();
    expect(await client.closed()).toBe(3008);
    await full.stop();
  });

  test('a frame without a message is a mistake', async () => {
    const client = await server.connect();
    client.socket.send(' \n\r\n');
    expect(await client.until(() => true)).toMatchObject({ type: 'error', code: 'bad-message' });
    client.socket.send('{"id":1,"type":"ping"}\n');
    expect(await client.until(({ type }) => type === 'pong')).toEqual({ id: 1, type: 'pong' });
    expect(client.messages).toHaveLength(2);
  });

  test('whoever goes on after the close is cut off', async () => {
    const slow = await startPushServer({ closeMs: 60_000 });
    const { port } = new URL(slow.url);
    const tcp = connectTcp(Number(port), '127.0.0.1');
    tcp.on('error', () => {});
    tcp.write(UPGRADE);
    await once(tcp, 'data');
    tcp.resume();
    const emptyText = Buffer.from([0x81, 0x80, 0, 0, 0, 0]);
    const gone = once(tcp, 'close');
    for (let n = 0; n < 400; n++) tcp.write(emptyText);
    await gone;
    await slow.stop();
  });

  test('a message in too many pieces closes with 1008', async () => {
    const client = await server.connect();
    client.socket.send('{"type":', { fin: false });
    for (let n = 0; n < 200; n++) client.socket.send('', { fin: false });
    expect(await client.closed()).toBe(1008);
  });

  test('a subscription that is given up before it begins is answered as cancelled', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    server.world.mayFollow = () => promise;
    const client = await server.connect();
    client.send(
      { id: 1, type: 'subscribe', channel: 'article:x' },
      { id: 2, type: 'unsubscribe', channel: 'article:x' },
    );
    expect(await client.until(({ id }) => id === 2)).toMatchObject({ type: 'ok' });
    resolve(true);
    expect(await client.until(({ id }) => id === 1)).toMatchObject({ type: 'error', code: 'cancelled' });
  });

  test('the allowance refills', async () => {
    const client = await server.connect();
    for (let n = 0; n < 300; n++) client.send({ id: n, type: 'ping' });
    await client.until(({ id }) => id === 299);
    server.world.later += 2_000;
    for (let n = 300; n < 310; n++)
      expect(await client.request({ id: n, type: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test.each([
    [
      'a message beyond 64 KiB',
      (client: TestClient) => client.socket.send(`{"type":"ping","x":"${'x'.repeat(65_536)}"}`),
      1009,
    ],
    [
      'a fragmented one beyond 64 KiB',
      (client: TestClient) => {
        for (let n = 0; n < 7; n++) client.socket.send('x'.repeat(10_000), { fin: false });
      },
      1009,
    ],
    [
      'text that is no UTF-8',
      (client: TestClient) => client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false }),
      1007,
    ],
  ])('%s closes the socket', async (_, send, code) => {
    const client = await server.connect();
    send(client);
    expect(await client.closed()).toBe(code);
    await waitFor(() => server.sessions.size === 0);
  });

  test.each([
    ['unmasked', Buffer.from([0x81, 0x02, 0x68, 0x69])],
    ['a reserved opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
    ['reserved bits', Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['noise', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('a garbage frame (%s) ends that socket and no other', async (_, garbage) => {
    const other = await server.connect();
    const { port } = new URL(server.url);
    const tcp = connectTcp(Number(port), '127.0.0.1');
    tcp.write(UPGRADE);
    await once(tcp, 'data');
    tcp.write(garbage);
    tcp.resume();
    await once(tcp, 'close');
    await waitFor(() => server.sessions.size === 1);
    expect(await other.request({ id: 1, type: 'ping' })).toMatchObject({ type: 'pong' });
  });
});

describe('time', () => {
  test('a socket that neither authenticates nor follows a public channel is closed with 3501', async () => {
    const idle = await server.connect();
    const busy = await server.connect();
    const follower = await server.connect();
    await busy.request({ id: 1, type: 'authenticate', token: 'user-1' });
    await follower.request({ id: 1, type: 'subscribe', channel: 'articles' });
    server.world.later += 10_000;
    expect(await idle.closed()).toBe(3501);
    expect(busy.closeCode ?? follower.closeCode).toBeUndefined();
  });

  test('failing to authenticate does not count', async () => {
    const client = await server.connect();
    expect(await client.request({ id: 1, type: 'authenticate', token: 'forged' })).toMatchObject({
      code: 'unauthenticated',
    });
    server.world.later += 10_000;
    expect(await client.closed()).toBe(3501);
  });

  test('an expired token closes with 3501, unless another was shown before', async () => {
    const [expiring, renewing] = [await server.connect(), await server.connect()];
    for (const client of [expiring, renewing])
      await client.request({ id: 1, type: 'authenticate', token: 'user-1-for-60000' });
    server.world.later += 50_000;
    await renewing.request({ id: 2, type: 'authenticate', token: 'user-1-for-60000' });
    server.world.later += 11_000;
    expect(await expiring.closed()).toBe(3501);
    expect(await renewing.request({ id: 3, type: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test('a socket never changes hands', async () => {
    const client = await server.connect();
    await client.request({ id: 1, type: 'authenticate', token: 'user-1' });
    expect(await client.request({ id: 2, type: 'authenticate', token: 'user-2' })).toMatchObject({
      code: 'unauthenticated',
    });
  });

  test('a silent socket is pinged, and cut off when it does not answer', async () => {
    const [alive, dead] = [await server.connect(), await server.connect()];
    for (const client of [alive, dead])
      await client.request({ id: 1, type: 'subscribe', channel: 'articles' });
    const pinged = once(alive.socket, 'ping');
    dead.socket.pause();
    server.world.later += 25_000;
    await pinged;
    await waitFor(() => server.sessions.size === 2);
    await alive.request({ id: 2, type: 'ping' });
    server.world.later += 20_000;
    await waitFor(() => server.sessions.size === 1);
    expect(alive.closeCode).toBeUndefined();
  });
});
