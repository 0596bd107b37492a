import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { line, position, startPushServer, userId, waitFor } from './push-server.fixture.ts';

let server: Awaited<ReturnType<typeof startPushServer>>;
beforeEach(async () => {
  server = await startPushServer({ sweepMs: 10, ringLines: 50 });
});
afterEach(() => server.stop());

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('live', () => {
  test('each event once and in order, what comes together in one frame', async () => {
    const client = await server.connect();
    expect(await client.request({ id: 1, type: 'subscribe', channel: 'articles' })).toEqual({
      id: 1,
      type: 'subscribed',
      channel: 'articles',
      position: position(100),
      recovered: false,
    });
    server.publish([101, 102, 103]);
    server.publish([104]);
    await waitFor(() => client.events('articles').length === 4);
    expect(client.events('articles')).toEqual([101, 102, 103, 104]);
    expect(client.frames.slice(1).map((frame) => frame.length)).toEqual([3, 1]);
  });

  test('a follower of several channels gets one frame a turn, in log order', async () => {
    const [both, one] = [await server.connect(), await server.connect()];
    await both.request({ id: 1, type: 'subscribe', channel: 'articles' });
    await both.request({ id: 2, type: 'subscribe', channel: 'article:x' });
    await one.request({ id: 1, type: 'subscribe', channel: 'article:x' });
    server.hub.publish([line(101), line(102, 'article:x'), line(102), line(103)], position(103));
    await waitFor(() => both.events('articles').length === 3 && one.events('article:x').length === 1);
    expect(both.frames).toHaveLength(3);
    expect(both.frames[2]?.map((message) => message.position)).toEqual([101, 102, 102, 103].map(position));
    expect(both.events('article:x')).toEqual([102]);
    expect(server.delivered.reduce((sum, count) => sum + count)).toBe(5);
  });

  test('after unsubscribing nothing more comes, and the channel is forgotten', async () => {
    const client = await server.connect();
    await client.request({ id: 1, type: 'subscribe', channel: 'articles' });
    expect(await client.request({ id: 2, type: 'unsubscribe', channel: 'articles' })).toEqual({
      id: 2,
      type: 'ok',
    });
    server.publish([101]);
    await client.request({ id: 3, type: 'ping' });
    expect(client.events('articles')).toEqual([]);
    expect(server.hub.channelCount).toBe(0);
  });

  test('a second subscription to a channel is refused, and so are too many', async () => {
    const client = await server.connect();
    for (let n = 0; n < 128; n++) await client.request({ id: n, type: 'subscribe', channel: `article:${n}` });
    expect(await client.request({ id: 200, type: 'subscribe', channel: 'article:5' })).toMatchObject({
      code: 'already-subscribed',
    });
    expect(await client.request({ id: 201, type: 'subscribe', channel: 'articles' })).toMatchObject({
      code: 'too-many-subscriptions',
    });
    await client.request({ id: 202, type: 'unsubscribe', channel: 'article:5' });
    expect(await client.request({ id: 203, type: 'subscribe', channel: 'articles' })).toMatchObject({
      type: 'subscribed',
    });
  });

  test('a closed socket leaves nothing behind', async () => {
    const client = await server.connect();
    await client.request({ id: 1, type: 'subscribe', channel: 'articles' });
    client.socket.terminate();
    await waitFor(() => server.hub.channelCount === 0 && server.sessions.size === 0);
    server.publish([101]);
  });
});

describe('a slow client', () => {
  test('is closed with 3008 once 1 MiB waits for it, and nobody else is slowed', async () => {
    const [slow, quick] = [await server.connect(), await server.connect()];
    for (const client of [slow, quick])
      await client.request({ id: 1, type: 'subscribe', channel: 'articles' });
    slow.socket.pause();
    const big = {
      ...line(101),
      frame: JSON.stringify({
        type: 'event',
        channel: 'articles',
        position: position(101),
        pad: 'x'.repeat(60_000),
      }),
    };
    let sent = 0;
    while (server.delivered.at(-1) !== 1) {
      server.hub.publish([big], position(101));
      sent += 1;
      await waitFor(() => quick.messages.length === sent + 1);
    }
    slow.socket.resume();
    expect(await slow.closed()).toBe(3008);
    expect(slow.messages.length - 1).toBeLessThan(sent);
    expect(quick.messages).toHaveLength(sent + 1);
    expect(quick.closeCode).toBeUndefined();
  });
});

describe('sessions', () => {
  test('a disabled user and an ended session are put out with 3501, others stay', async () => {
    const clients = [await server.connect(), await server.connect(), await server.connect()];
    for (const [n, client] of clients.entries())
      await client.request({ id: 1, type: 'authenticate', token: `user-${n}` });
    server.sessions.putOut(new Set([userId(0), 'session-1']));
    expect(await clients[0]?.closed()).toBe(3501);
    expect(await clients[1]?.closed()).toBe(3501);
    expect(await clients[2]?.request({ id: 2, type: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test('whoever was put out while the token was verified stays out, until enabled again', async () => {
    server.sessions.putOut(new Set([userId(1)]));
    const client = await server.connect();
    expect(await client.request({ id: 1, type: 'authenticate', token: 'user-1' })).toMatchObject({
      code: 'unauthenticated',
    });
    server.sessions.readmit(userId(1));
    expect(await client.request({ id: 2, type: 'authenticate', token: 'user-1' })).toMatchObject({
      type: 'authenticated',
    });
  });

  test('the shutdown closes with 3001 in batches', async () => {
    const clients = await Promise.all(range(1, 5).map(() => server.connect()));
    await server.sessions.drain();
    expect(await Promise.all(clients.map((client) => client.closed()))).toEqual([
      3001, 3001, 3001, 3001, 3001,
    ]);
    expect(server.sessions.size).toBe(0);
  });
});
