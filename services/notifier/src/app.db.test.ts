import { once } from 'node:events';
import { publishArticle } from '@annals/contracts/publishing/article.routes';
import { v7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Backend, startBackend } from './app.fixture.ts';
import type { App } from './app.ts';
import { TestClient, waitFor } from './sockets/push-server.fixture.ts';

let backend: Backend;
const clients: TestClient[] = [];
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  await backend.stop();
});

async function connect(app: App): Promise<TestClient> {
  const client = new TestClient(`${app.addresses.main.replace('http', 'ws')}/v1/push`);
  clients.push(client);
  await once(client.socket, 'open');
  return client;
}

const publishedAt = '2026-11-22T10:00:00.000Z';
const publish = (id = v7()) => backend.append('ArticlePublished', id, { publishedAt });
const positionsOf = (client: TestClient, channel: string) =>
  client.messages
    .filter((message) => message.type === 'event' && message.channel === channel)
    .map(({ position }) => position);

describe('the notifier', () => {
  test('pushes what is appended, once and in order, to sockets of every replica', async () => {
    await publish();
    const apps = [await backend.startApp(), await backend.startApp()];
    const followers = await Promise.all(apps.map(connect));
    for (const follower of followers) {
      expect(await follower.request({ id: 1, type: 'subscribe', channel: 'articles' })).toMatchObject({
        recovered: false,
      });
    }
    const positions: string[] = [];
    for (let n = 0; n < 20; n++) positions.push(await publish());
    for (const follower of followers) {
      await waitFor(() => positionsOf(follower, 'articles').length >= 20);
      expect(positionsOf(follower, 'articles')).toEqual(positions);
    }
  });

  test('recovers what happened before it started from the push log, and what happened since from memory', async () => {
    const positions: string[] = [];
    for (let n = 0; n < 5; n++) positions.push(await publish());
    const app = await backend.startApp();
    for (let n = 0; n < 5; n++) positions.push(await publish());
    const waiting = await connect(app);
    waiting.send({ id: 1, type: 'subscribe', channel: 'articles', since: positions[1] });
    await waiting.request({ id: 2, type: 'ping' });
    expect(positionsOf(waiting, 'articles')).toEqual([]);
    await backend.project();
    expect(await waiting.until(({ id }) => id === 1)).toMatchObject({ recovered: true });
    positions.push(await publish());
    await waitFor(() => positionsOf(waiting, 'articles').length === 9);
    expect(positionsOf(waiting, 'articles')).toEqual(positions.slice(2));
  });

  test('a replayed line is the live line, byte for byte', async () => {
    const consumers = await backend.project();
    const first = await backend.startApp();
    const since = await backend.log.head();
    const live = await connect(first);
    await live.request({ id: 1, type: 'subscribe', channel: 'articles' });
    await publish();
    await waitFor(() => positionsOf(live, 'articles').length === 1);
    const second = await backend.startApp();
    await waitForLog(consumers, await backend.log.head());
    const replayed = await connect(second);
    await replayed.request({ id: 1, type: 'subscribe', channel: 'articles', since });
    expect(JSON.stringify(replayed.messages[0])).toBe(JSON.stringify(live.messages[1]));
  });

  test('a position of another log is unknown; without a push log nothing is recovered from before the start', async () => {
    const since = await publish();
    const app = await backend.startApp({ recoverMs: 300 });
    const client = await connect(app);
    const subscribe = (id: number, position: string) =>
      client.request({ id, type: 'subscribe', channel: 'articles', since: position });
    expect(await subscribe(1, 'zzzzzzzz.0000000000000001')).toMatchObject({ code: 'unknown-position' });
    expect(await subscribe(2, `${since.slice(0, 9)}00000000000fffff`)).toMatchObject({
      code: 'unknown-position',
    });
    expect(await subscribe(3, since)).toMatchObject({ recovered: true });
    await client.request({ id: 4, type: 'unsubscribe', channel: 'articles' });
    expect(await subscribe(5, await backend.log.start())).toMatchObject({ recovered: false });
  });

  test('authenticates with access tokens, and puts out disabled users and ended sessions', async () => {
    const app = await backend.startApp();
    const [user, session] = [v7(), v7()];
    const [first, second] = [await connect(app), await connect(app)];
    const token = await backend.token(user, session);
    expect(await first.request({ id: 1, type: 'authenticate', token: `${token}x` })).toMatchObject({
      code: 'unauthenticated',
    });
    expect(
      await first.request({ id: 2, type: 'authenticate', token: 'service-token-of-the-test' }),
    ).toMatchObject({ code: 'unauthenticated' });
    expect(await first.request({ id: 3, type: 'authenticate', token })).toEqual({
      id: 3,
      type: 'authenticated',
      userId: user,
    });
    expect(
      await second.request({ id: 3, type: 'authenticate', token: await backend.token(v7(), v7()) }),
    ).toMatchObject({ type: 'authenticated' });
    await backend.appendTo(`session-${session}`, 'SessionRevoked', {
      sessionId: session,
      userId: user,
      reason: 'logged-out',
    });
    expect(await first.closed()).toBe(3501);
    const third = await connect(app);
    expect(await third.request({ id: 1, type: 'authenticate', token })).toMatchObject({
      code: 'unauthenticated',
    });
    const other = v7();
    await third.request({ id: 2, type: 'authenticate', token: await backend.token(other, v7()) });
    await backend.appendTo(`user-${other}`, 'UserDisabled', { userId: other });
    expect(await third.closed()).toBe(3501);
    expect(second.closeCode).toBeUndefined();
  });

  test('an expired token closes the socket', async () => {
    const app = await backend.startApp({ sweepMs: 50 });
    const client = await connect(app);
    await client.request({ id: 1, type: 'authenticate', token: await backend.token(v7(), v7(), 2) });
    expect(await client.closed()).toBe(3501);
  });

  test('asks query-api about channels, again when visibility changes', async () => {
    const app = await backend.startApp();
    const id = v7();
    const asked: (string | null)[] = [];
    let isPublic = true;
    backend.mayFollow = (channel, userId) => {
      asked.push(userId);
      return channel === `article:${id}` && (isPublic || userId === id);
    };
    const [author, reader] = [await connect(app), await connect(app)];
    await author.request({ id: 1, type: 'authenticate', token: await backend.token(id, v7()) });
    for (const client of [reader, author]) {
      expect(await client.request({ id: 2, type: 'subscribe', channel: `article:${id}` })).toMatchObject({
        type: 'subscribed',
      });
    }
    expect(await reader.request({ id: 3, type: 'subscribe', channel: `article:${v7()}` })).toMatchObject({
      code: 'forbidden',
    });
    isPublic = false;
    await backend.append('ArticleUnpublished', id);
    const hidden = await backend.append('ArticleUpdated', id, { isPublished: false, title: 'Secret' });
    expect(
      await reader.until(({ type, id: answered }) => type === 'error' && answered === undefined),
    ).toMatchObject({ code: 'forbidden' });
    await waitFor(() => positionsOf(author, `article:${id}`).length === 2);
    expect(positionsOf(author, `article:${id}`)[1]).toBe(hidden);
    expect(positionsOf(reader, `article:${id}`)).not.toContain(hidden);
    expect(asked).toContain(null);
  });

  test('answers other requests by the conventions of the API', async () => {
    const app = await backend.startApp();
    const get = await fetch(`${app.addresses.main}/v1/push`);
    expect(get.status).toBe(426);
    expect(await get.json()).toMatchObject({ code: 'upgrade-required', status: 426 });
    expect((await fetch(`${app.addresses.main}/v1/push`, { method: 'POST' })).headers.get('allow')).toContain(
      'GET',
    );
    expect((await fetch(app.addresses.main + publishArticle.path)).status).toBe(405);
    expect(await (await fetch(`${app.addresses.ops}/metrics`)).text()).toContain(
      'annals_push_sockets{service="notifier"} 0',
    );
  });

  test('at a stop sockets are closed with 3001', async () => {
    const app = await backend.startApp();
    const client = await connect(app);
    await client.request({ id: 1, type: 'subscribe', channel: 'articles' });
    await app.stop();
    expect(await client.closed()).toBe(3001);
  });
});

async function waitForLog(
  consumers: Awaited<ReturnType<Backend['project']>>,
  position: string,
): Promise<void> {
  for (;;) {
    const status = (await consumers.status()).find(({ consumer }) => consumer === 'push_log_v1');
    if (status && status.through >= position) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
