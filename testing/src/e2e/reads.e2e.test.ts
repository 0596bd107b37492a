/** What readers find: lists of their own, answers that are kept, and the headers of every answer. */
import { followUser } from '@annals/contracts/identity/follow.routes';
import {
  featureArticle,
  getArticle,
  likeArticle,
  listArticles,
  listMyArticles,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { listFeed, listTrending } from '@annals/contracts/publishing/reading.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ids, writeArticle } from './articles.ts';
import { Api, after } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
const service = new Api(url, inject('serviceToken'));
let author: Person;
let reader: Person;

beforeAll(async () => {
  [author, reader] = await Promise.all([newPerson(url, 'author'), newPerson(url, 'reader')]);
});

describe('lists of one’s own', () => {
  test('P8 mine, featured, what trends, and the feed of those whom one follows', async () => {
    const draft = await writeArticle(author);
    const article = await writeArticle(author, { publish: true });
    await writeArticle(reader, { publish: true });
    await reader.api.ok(followUser, { params: { id: author.id } });
    await service.ok(featureArticle, { params: { id: article.id } });
    const last = await reader.api.ok(likeArticle, { params: { id: article.id } });

    expect(ids(await author.api.ok(listMyArticles, after(last)))).toEqual([article.id, draft.id]);
    const featured = { query: { author: author.username, isFeatured: 'true' }, ...after(last) };
    expect(ids(await anonymous.ok(listArticles, featured))).toEqual([article.id]);
    expect(ids(await anonymous.ok(listTrending, after(last)))).toContain(article.id);
    const feed = await reader.api.ok(listFeed, after(last));
    expect(ids(feed)).toEqual([article.id]);
    expect(ids(await author.api.ok(listFeed, after(last)))).toEqual([]);
  });
});

describe('answers that are kept', () => {
  test('X5 a kept answer is the same to the byte, and gone with the next change', async () => {
    const article = await writeArticle(author, { publish: true });
    await anonymous.ok(getArticle, { params: { idOrSlug: article.id }, ...after(article.last) });
    const ask = async (headers: Record<string, string> = {}) => {
      const response = await fetch(`${url}/v1/articles/${article.id}`, { headers });
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
    const isHit = (headers: Headers) => headers.get('server-timing')?.includes('desc="hit"') === true;
    const made = await ask({ 'cache-control': 'no-cache' });
    await expect.poll(async () => isHit((await ask()).headers), { timeout: 20_000 }).toBe(true);
    const kept = await ask();
    expect(kept.text).toBe(made.text);
    const etag = kept.headers.get('etag') ?? '';
    expect(etag).toBe(made.headers.get('etag'));
    expect((await ask({ 'if-none-match': etag })).status).toBe(304);

    const renamed = await author.api.ok(updateArticle, {
      params: { id: article.id },
      body: { title: `Renamed ${article.title}` },
    });
    const now = await ask(after(renamed).headers);
    expect(JSON.parse(now.text).title).toBe(`Renamed ${article.title}`);
    expect((await ask({ 'if-none-match': etag })).status).toBe(200);
  });
});

describe('headers', () => {
  test('X2 security headers, and answers that scripts of allowed origins alone may read', async () => {
    const from = async (origin: string) =>
      (await fetch(`${url}/v1/articles`, { headers: { origin } })).headers;
    const own = await from(url);
    expect(Object.fromEntries(own)).toMatchObject({
      'access-control-allow-origin': url,
      'strict-transport-security': expect.stringContaining('max-age='),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect((await from('https://evil.example')).get('access-control-allow-origin')).toBeNull();
  });

  test('X4 every answer says how long it took, and how much of it the database', async () => {
    const { headers } = await reader.api.ok(listArticles);
    expect(headers.get('server-timing')).toMatch(/total;dur=[\d.]+/);
    expect(headers.get('server-timing')).toMatch(/db;dur=[\d.]+/);
  });
});
