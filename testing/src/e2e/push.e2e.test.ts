import {
  createArticle,
  likeArticle,
  publishArticle,
  unpublishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { uniqueName } from './client.ts';
import { newPerson, type Person } from './people.ts';
import { PushClient } from './push-client.ts';

const url = inject('stackUrl');
let author: Person;
let reader: Person;
const open: PushClient[] = [];

beforeAll(async () => {
  author = await newPerson(url, 'pusher');
  reader = await newPerson(url, 'listener');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

async function connect(): Promise<PushClient> {
  const client = await PushClient.open(url);
  open.push(client);
  return client;
}

async function newDraft(): Promise<string> {
  const created = await author.api.ok(createArticle, {
    body: { title: `Pushed ${uniqueName('article')}`, content: '<p>x</p>' },
  });
  return created.body.id;
}

async function newPublication(): Promise<string> {
  const id = await newDraft();
  await author.api.ok(publishArticle, { params: { id } });
  return id;
}

const mine = (client: PushClient, channel: string, ids: readonly string[]) =>
  client.events(channel).filter((message) => ids.includes(String(message.event.data.id)));

describe('channel articles', () => {
  test('each publication once, in order', async () => {
    const client = await connect();
    expect(await client.request({ id: 1, type: 'subscribe', channel: 'articles' })).toMatchObject({
      type: 'subscribed',
      recovered: false,
    });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await newPublication());
    await expect.poll(() => mine(client, 'articles', ids).length, { timeout: 10_000 }).toBe(5);
    expect(mine(client, 'articles', ids).map(({ event }) => event.data.id)).toEqual(ids);
    const positions = client.events('articles').map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort());
  });

  test('a reconnecting socket misses nothing and sees nothing twice', async () => {
    const first = await connect();
    const subscribed = await first.request({ id: 1, type: 'subscribe', channel: 'articles' });
    const before = await newPublication();
    await expect.poll(() => mine(first, 'articles', [before]).length, { timeout: 10_000 }).toBe(1);
    const since = first.events('articles').at(-1)?.position;
    await first.close();
    const missed = [await newPublication(), await newPublication()];
    const second = await connect();
    expect(await second.request({ id: 1, type: 'subscribe', channel: 'articles', since })).toMatchObject({
      recovered: true,
    });
    const live = await newPublication();
    const ids = [before, ...missed, live];
    await expect.poll(() => mine(second, 'articles', [live]).length, { timeout: 10_000 }).toBe(1);
    expect(mine(second, 'articles', ids).map(({ event }) => event.data.id)).toEqual([...missed, live]);
    expect(subscribed).toHaveProperty('position');
  });
});

describe('channel article:<id>', () => {
  test('changes, likes and comments of one article', async () => {
    const id = await newPublication();
    const channel = `article:${id}`;
    const client = await connect();
    await client.request({ id: 1, type: 'subscribe', channel });
    await author.api.ok(updateArticle, { params: { id }, body: { tags: ['new'] } });
    await reader.api.ok(likeArticle, { params: { id } });
    await reader.api.ok(addComment, { params: { id }, body: { content: 'Nice.' } });
    await expect
      .poll(() => client.events(channel).map(({ event }) => event.type), { timeout: 10_000 })
      .toEqual(['ArticleUpdated', 'ArticleLiked', 'CommentAdded']);
    expect(JSON.stringify(client.messages)).not.toContain('Nice.');
  });

  test('a draft’s channel is its author’s; others and the unknown answer alike', async () => {
    const channel = `article:${await newDraft()}`;
    const own = await connect();
    expect(await own.request({ id: 1, type: 'authenticate', token: author.api.token })).toEqual({
      id: 1,
      type: 'authenticated',
      userId: author.id,
    });
    expect(await own.request({ id: 2, type: 'subscribe', channel })).toMatchObject({ type: 'subscribed' });
    const other = await connect();
    await other.request({ id: 1, type: 'authenticate', token: reader.api.token });
    const hidden = await other.request({ id: 2, type: 'subscribe', channel });
    const missing = await other.request({ id: 3, type: 'subscribe', channel: `article:${reader.id}` });
    const nonsense = await other.request({ id: 4, type: 'subscribe', channel: 'no-such-thing' });
    for (const answer of [hidden, missing, nonsense])
      expect(answer).toMatchObject({ type: 'error', code: 'forbidden' });
  });

  test('subscribers who may no longer see it are let go when it is unpublished', async () => {
    const id = await newPublication();
    const channel = `article:${id}`;
    const client = await connect();
    await client.request({ id: 1, type: 'subscribe', channel });
    await author.api.ok(unpublishArticle, { params: { id } });
    await client.until((message) => message.type === 'error' && message.code === 'forbidden');
    await author.api.ok(updateArticle, { params: { id }, body: { tags: ['secret'] } });
    const after = await newPublication();
    await client.request({ id: 2, type: 'subscribe', channel: `article:${after}` });
    expect(client.events(channel).map(({ event }) => event.type)).not.toContain('ArticleUpdated');
  });
});

describe('protocol', () => {
  test('a forged token closes nothing but is refused', async () => {
    const client = await connect();
    expect(
      await client.request({ id: 1, type: 'authenticate', token: `${author.api.token}x` }),
    ).toMatchObject({ type: 'error', code: 'unauthenticated' });
  });

  test('garbage is answered, and too much of it ends the socket with 3500', async () => {
    const client = await connect();
    for (let n = 0; n < 100; n++) client.socket.send('{"nonsense"');
    await client.until((message) => message.type === 'error' && message.code === 'bad-message');
    await expect.poll(() => client.closeCode, { timeout: 10_000 }).toBe(3500);
  });

  test('several messages in one frame', async () => {
    const client = await connect();
    client.socket.send('{"id":1,"type":"ping"}\n{"id":2,"type":"subscribe","channel":"articles"}');
    await client.until((message) => message.type === 'pong');
    await client.until((message) => message.type === 'subscribed');
  });

  test('a message beyond 64 KiB closes with 1009', async () => {
    const client = await connect();
    client.socket.send(`{"type":"ping","x":"${'x'.repeat(70_000)}"}`);
    await expect.poll(() => client.closeCode, { timeout: 10_000 }).toBe(1009);
  });
});
