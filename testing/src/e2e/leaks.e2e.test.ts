import { randomBytes } from 'node:crypto';
import { followUser } from '@annals/contracts/identity/follow.routes';
import {
  createArticle,
  deleteArticle,
  getArticle,
  likeArticle,
  listArticles,
  publishArticle,
  unpublishArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment, listComments } from '@annals/contracts/publishing/comment.routes';
import { listFeed, listTrending } from '@annals/contracts/publishing/reading.routes';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Answer, Api, after } from './client.ts';
import { newPerson, type Person } from './people.ts';
import { PushClient } from './push-client.ts';

/** What an article holds, each word found nowhere else. */
interface Secret {
  readonly id: string;
  readonly slug: string;
  readonly commentId: string | null;
  readonly words: Readonly<Record<'title' | 'content' | 'tag' | 'comment' | 'externalId', string>>;
}

const url = inject('stackUrl');
const anonymous = new Api(url);
let author: Person;
/** Follows the author, and has liked and commented on whatever was published. */
let reader: Person;
let last: Answer;
let socket: PushClient;
const secrets: Record<string, Secret> = {};
/** Of states that nobody but author and staff may know of. */
const states = ['draft', 'unpublished', 'deleted'];

/** Letters alone, so that it is one word to any search. */
const word = () => [...randomBytes(12)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');

async function hide(state: string): Promise<Secret> {
  const words = { title: word(), content: word(), tag: word(), comment: word(), externalId: word() };
  const body = {
    title: `About ${words.title}`,
    content: `<p>${words.content}</p>`,
    tags: [words.tag],
    externalId: words.externalId,
  };
  last = await author.api.ok(createArticle, { body });
  const { id } = last.body;
  const params = { id };
  let commentId: string | null = null;
  if (state !== 'draft') {
    await author.api.ok(publishArticle, { params });
    await reader.api.ok(likeArticle, { params });
    last = await reader.api.ok(addComment, { params, body: { content: words.comment } });
    commentId = last.body.id;
    // Seen by everyone, and kept wherever answers are kept.
    for (const path of publicPaths({ id, slug: '', commentId, words })) await text(anonymous, path, last);
  }
  const seen = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(last) });
  if (state === 'unpublished') last = await author.api.ok(unpublishArticle, { params });
  if (state === 'deleted') last = await author.api.ok(deleteArticle, { params });
  return { id, slug: seen.body.slug, commentId, words };
}

const misspelt = (username: string) => username.replace('author', 'auhtor');

/** Where the article could be seen, if anybody might. */
function publicPaths({ id, slug, commentId, words }: Secret): string[] {
  const { title, content, tag, externalId } = words;
  const typo = `${title.slice(0, 3)}${title.slice(4)}`;
  const filters = [
    `author=${author.id}`,
    `author=${author.username}`,
    `tag=${tag}`,
    `title[contains]=${title}`,
    `externalId=${externalId}`,
    'isDeleted=true&pageSize=100',
    `isDeleted=true&author=${author.id}`,
    `isDeleted=true&externalId=${externalId}&sort=title`,
    `isDeleted=true&search=${title}`,
    `isDeleted=true&search=${author.username}`,
  ];
  const searches = [title, content, typo, author.username, misspelt(author.username), `"about ${title}"`];
  return [
    ...[id, slug].filter((name) => name !== '').map((name) => `/v1/articles/${name}`),
    '/v1/articles?pageSize=100',
    '/v1/articles?pageSize=100&sort=-createdAt',
    '/v1/articles?pageSize=100&cursor=start',
    ...filters.map((filter) => `/v1/articles?${filter}`),
    ...['isPublished=false', 'isPublished=true,false', 'sort=-updatedAt'].map(
      (more) => `/v1/articles?author=${author.id}&${more}`,
    ),
    ...searches.map((search) => `/v1/articles?search=${encodeURIComponent(search)}`),
    ...['likes', 'comments', 'history', 'history/0'].map((part) => `/v1/articles/${id}/${part}`),
    `/v1/articles/${id}?asOf=0`,
    ...(commentId ? [`/v1/comments/${commentId}`] : []),
    '/v1/trending?pageSize=100',
    '/v1/trending?pageSize=100&window=1d',
    '/v1/feed?pageSize=100',
    '/v1/me/articles?pageSize=100',
    `/v1/me/articles?isDeleted=true&author=${author.id}`,
    `/v1/users/${author.id}`,
  ];
}

/** All that an answer says, but for the address that was asked for. */
async function text(api: Api, path: string, asOf?: Answer, method = 'GET', body?: object): Promise<string> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(api.token ? { authorization: `Bearer ${api.token}` } : {}),
      ...(asOf ? after(asOf).headers : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const all = `${JSON.stringify([...response.headers])} ${await response.text()}`;
  expect(response.status, `${path}: ${all}`).toBeLessThan(500);
  return all.replaceAll(JSON.stringify(path.split('?', 1)[0]), '');
}

beforeAll(async () => {
  author = await newPerson(url, 'author');
  reader = await newPerson(url, 'reader');
  last = await reader.api.ok(followUser, { params: { id: author.id } });
  socket = await PushClient.open(url);
  await socket.request({ id: 1, type: 'authenticate', token: reader.api.token });
  await socket.request({ id: 2, type: 'subscribe', channel: 'articles' });
  for (const state of states) secrets[state] = await hide(state);
});
afterAll(() => socket?.close());

const callers = [
  ['nobody in particular', () => anonymous],
  ['a reader of before', () => reader.api],
] as const;

describe.each(states)('what is %s', (state) => {
  test.each(callers)(
    'is told to %s by no id, slug, list, search, history, feed or count',
    async (_, caller) => {
      const secret = secrets[state];
      if (!secret) throw new Error('nothing is hidden');
      const { id, slug, words } = secret;
      for (const path of publicPaths(secret)) {
        // As of now, and once more, from wherever it may be kept.
        for (const asOf of [last, undefined]) {
          const told = await text(caller(), path, asOf);
          for (const hidden of [id, slug, words.title, words.content, words.comment])
            expect(told.includes(hidden), `${path} tells ${hidden}: ${told}`).toBe(false);
        }
      }
    },
  );

  test('is counted nowhere', async () => {
    const countOf = async (query: Record<string, string>) =>
      (await anonymous.ok(listArticles, { query, ...after(last) })).body.count;
    const tag = secrets[state]?.words.tag ?? '';
    expect([await countOf({ author: author.id }), await countOf({ tag })]).toEqual([0, 0]);
    expect((await reader.api.ok(listFeed, after(last))).body.count).toBe(0);
    const profile = JSON.parse(
      (await text(anonymous, `/v1/users/${author.id}`, last)).replace(/^\[.*?\]\] /, ''),
    );
    expect(profile.articleCount).toBe(0);
  });

  test('is told by no refusal of a command', async () => {
    const { id, slug, words } = secrets[state] ?? {};
    if (!id || !slug || !words) throw new Error('nothing is hidden');
    const commands: [string, string, object?][] = [
      ['PUT', `/v1/articles/${id}/like`],
      ['DELETE', `/v1/articles/${id}/like`],
      ['POST', `/v1/articles/${id}/comments`, { content: 'Hm.' }],
      ['PATCH', `/v1/articles/${id}`, { tags: ['x'] }],
      ['DELETE', `/v1/articles/${id}`],
      ['POST', `/v1/articles/${id}/restore`],
      ['POST', `/v1/articles/${id}/publish`, {}],
      ['POST', `/v1/articles/${id}/unpublish`],
    ];
    for (const [method, path, body] of commands) {
      const told = await text(reader.api, path, undefined, method, body);
      expect(told, path).toContain('not-found');
      for (const hidden of [slug, words.title, words.content])
        expect(told.includes(hidden), path).toBe(false);
    }
  });

  test('is pushed to nobody', async () => {
    const { id, slug, words } = secrets[state] ?? {};
    const answer = await socket.request({
      id: 100 + states.indexOf(state),
      type: 'subscribe',
      channel: `article:${id}`,
    });
    expect(answer).toMatchObject({ type: 'error', code: 'forbidden' });
    const told = JSON.stringify(socket.messages);
    for (const hidden of [slug, words?.title, words?.content, words?.comment])
      expect(told).not.toContain(hidden);
    if (state === 'draft') expect(JSON.stringify(socket.events('articles'))).not.toContain(id);
  });

  test('is there for its author', async () => {
    const { id, words } = secrets[state] ?? {};
    const own = await text(author.api, `/v1/articles/${id}`, last);
    expect(own.includes(words?.title ?? '')).toBe(state !== 'deleted');
  });
});

test('what is published is there for everyone: the same looks find it', async () => {
  const words = { title: word(), content: word(), tag: word(), comment: word(), externalId: word() };
  const body = { title: `About ${words.title}`, content: `<p>${words.content}</p>`, tags: [words.tag] };
  last = await author.api.ok(createArticle, { body });
  const { id } = last.body;
  const published = await author.api.ok(publishArticle, { params: { id } });
  const looks = [
    ...[
      words.title,
      words.content,
      `${words.title.slice(0, 3)}${words.title.slice(4)}`,
      misspelt(author.username),
    ].map((search) => ({ route: listArticles, query: { search } })),
    { route: listArticles, query: { author: author.username } },
    { route: listArticles, query: { tag: words.tag } },
    { route: listTrending, query: { window: '1d', pageSize: 100 } },
    { route: listFeed, query: {} },
  ];
  for (const { route, query } of looks) {
    const { body: found } = await reader.api.ok(route, { query, ...after(published) });
    expect(JSON.stringify(found), JSON.stringify(query)).toContain(words.title);
  }
  const none = await anonymous.ok(listComments, { params: { id }, ...after(published) });
  expect(none.body.results).toEqual([]);
});
