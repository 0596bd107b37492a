import { as, openReadSide, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, ids, person } from '../facts.fixture.ts';

let side: ReadSide;
const ada = person('ada', 'Ada', 'Lovelace');
const grace = person('grace', 'Grace', 'Hopper');
const nobody = as('01990000-0000-7000-8000-0000000000ff');
const staff = as('01990000-0000-7000-8000-0000000000fe', 'staff');

const article = (title: string, options: object = {}) => new Article({ author: ada, title, ...options });
const draft = article('A draft');
const publication = article('A publication', { tags: ['one', 'two'] });
const deleted = article('A deleted one');
const first = publication.commented(grace, 'First!');
const reply = publication.commented(ada, 'Indeed.', first.id);
const onDraft = draft.commented(ada, 'To myself.');

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts, ...grace.facts);
  await side.append(
    draft.created(),
    publication.created(),
    publication.published(),
    publication.liked(grace),
  );
  await side.append(first, reply, onDraft);
  await side.append(deleted.created(), deleted.published(), deleted.liked(grace), deleted.deleted(true));
});
afterAll(() => side?.drop());

describe('who sees what', () => {
  const callers = { anonymous: undefined, another: nobody, author: as(ada.id), staff };
  const all = ['anonymous', 'another', 'author', 'staff'];
  const few = ['author', 'staff'];

  /** The callers who get through, and how the others are refused. */
  const matrix: readonly [string, string, readonly string[], string][] = [
    ['P7 a publication', `/v1/articles/${publication.id}`, all, ''],
    ['P7 a publication by its slug', `/v1/articles/${publication.slug}`, all, ''],
    ['P7 a draft', `/v1/articles/${draft.id}`, few, 'not-found'],
    ['P7 a draft by its slug', `/v1/articles/${draft.slug}`, few, 'not-found'],
    ['P3 a deleted article', `/v1/articles/${deleted.id}`, [], 'not-found'],
    ['P3 a deleted article by its slug', `/v1/articles/${deleted.slug}`, [], 'not-found'],
    ['P9 likers of a publication', `/v1/articles/${publication.id}/likes`, all, ''],
    ['P9 likers of a draft', `/v1/articles/${draft.id}/likes`, few, 'not-found'],
    ['P9 likers of a deleted article', `/v1/articles/${deleted.id}/likes`, [], 'not-found'],
    ['P10 comments of a publication', `/v1/articles/${publication.id}/comments`, all, ''],
    ['P10 comments of a draft', `/v1/articles/${draft.id}/comments`, few, 'not-found'],
    ['P10 a comment on a publication', `/v1/comments/${first.id}`, all, ''],
    ['P10 a comment on a draft', `/v1/comments/${onDraft.id}`, few, 'not-found'],
    ['P13 a publication’s history', `/v1/articles/${publication.id}/history`, few, 'forbidden'],
    ['P13 a draft’s history', `/v1/articles/${draft.id}/history`, few, 'not-found'],
    ['P13 a deleted article’s history', `/v1/articles/${deleted.id}/history`, [], 'not-found'],
    ['P13 a change of a publication', `/v1/articles/${publication.id}/history/0`, few, 'forbidden'],
    ['P13 a change of a draft', `/v1/articles/${draft.id}/history/0`, few, 'not-found'],
    ['P13 a publication as of then', `/v1/articles/${publication.id}?asOf=0`, few, 'forbidden'],
    ['P13 a draft as of then', `/v1/articles/${draft.slug}?asOf=0`, few, 'not-found'],
  ];

  test.each(matrix)('%s', async (_, path, admitted, refusal) => {
    for (const [name, user] of Object.entries(callers)) {
      const { status, body } = await side.fresh(path, user ? { as: user } : {});
      const expected = name === 'anonymous' && /history|asOf/.test(path) ? 'unauthenticated' : refusal;
      expect([name, status === 200 ? 'admitted' : body.code]).toEqual([
        name,
        admitted.includes(name) ? 'admitted' : expected,
      ]);
    }
  });

  test('P5 P8 lists hold what each may see', async () => {
    const listed = async (path: string, user?: string) =>
      ids(await side.fresh(path, user ? { as: user } : {})).sort();
    const both = [draft.id, publication.id].sort();
    expect(await listed('/v1/articles')).toEqual([publication.id]);
    expect(await listed('/v1/articles', nobody)).toEqual([publication.id]);
    expect(await listed('/v1/articles', as(ada.id))).toEqual(both);
    expect(await listed('/v1/articles', staff)).toEqual(both);
    expect(await listed('/v1/articles?search=draft', nobody)).toEqual([]);
    expect(await listed('/v1/articles?search=draft', as(ada.id))).toEqual([draft.id]);
    expect(await listed('/v1/me/articles', as(ada.id))).toEqual(both);
    expect(await listed('/v1/me/articles', as(grace.id))).toEqual([]);
    expect((await side.get('/v1/me/articles')).body.code).toBe('unauthenticated');
  });

  test('a channel is followed by whoever sees its article', async () => {
    const position = await side.log.head();
    const may = async (channel: string, userId?: string) => {
      const query = new URLSearchParams({ minPosition: position, ...(userId ? { userId } : {}) });
      const path = `/internal/channels/${encodeURIComponent(channel)}?${query}`;
      return (await side.get(path, { as: as('service-token-of-tests') })).body.allowed;
    };
    expect(await may('articles')).toBe(true);
    expect(await may(`article:${publication.id}`)).toBe(true);
    expect(await may(`article:${draft.id}`)).toBe(false);
    expect(await may(`article:${draft.id}`, ada.id)).toBe(true);
    expect(await may(`article:${draft.id}`, grace.id)).toBe(false);
    expect(await may(`article:${deleted.id}`, ada.id)).toBe(false);
    for (const unknown of ['article:', 'article:x', 'room:1', "'", 'articles:x'])
      expect(await may(unknown)).toBe(false);
    expect(
      (await side.get(`/internal/channels/articles?minPosition=${position}`, { as: staff })).status,
    ).toBe(404);
  });
});

describe('P7 a detail', () => {
  test('says all that its screen shows', async () => {
    const { body } = await side.fresh(`/v1/articles/${publication.id}`);
    expect(body).toMatchObject({
      id: publication.id,
      slug: publication.slug,
      title: 'A publication',
      content: '<p>Some words.</p>',
      excerpt: 'Some words.',
      tags: ['one', 'two'],
      author: {
        id: ada.id,
        username: 'ada',
        displayName: 'Ada Lovelace',
        avatarUrl: null,
        articleCount: 1,
        followerCount: 0,
      },
      likeCount: 1,
      commentCount: 2,
      revision: 1,
      isOwner: false,
      canEdit: false,
      isLiked: false,
    });
    expect(body.comments).toEqual([
      expect.objectContaining({
        id: reply.id,
        parentId: first.id,
        author: expect.objectContaining({ displayName: 'Ada Lovelace' }),
      }),
      expect.objectContaining({
        id: first.id,
        author: expect.objectContaining({ displayName: 'Grace Hopper' }),
      }),
    ]);
    for (const hidden of ['authorId', 'isDeleted', 'activeSlug'])
      expect(JSON.stringify(body)).not.toContain(hidden);
  });

  test('says what the caller is to it', async () => {
    const seen = async (user: string) => {
      const { isOwner, canEdit, isLiked } = (
        await side.fresh(`/v1/articles/${publication.slug}`, { as: user })
      ).body;
      return { isOwner, canEdit, isLiked };
    };
    expect(await seen(as(ada.id))).toEqual({ isOwner: true, canEdit: true, isLiked: false });
    expect(await seen(as(grace.id))).toEqual({ isOwner: false, canEdit: false, isLiked: true });
    expect(await seen(staff)).toEqual({ isOwner: false, canEdit: true, isLiked: false });
  });

  test('P6 in the fields asked for', async () => {
    const { body } = await side.fresh(`/v1/articles/${publication.id}?fields=title,isOwner`);
    expect(body).toEqual({ title: 'A publication', isOwner: false });
    expect((await side.fresh(`/v1/articles/${publication.id}?exclude=content`)).body).not.toHaveProperty(
      'content',
    );
    for (const query of ['fields=x', 'fields=title&exclude=id', 'unheard=1', 'asOf=-1', 'asOf=yesterday']) {
      expect((await side.get(`/v1/articles/${publication.id}?${query}`)).status, query).toBe(400);
    }
  });

  test('has a strong ETag of its revision and bytes, answered with 304', async () => {
    const path = `/v1/articles/${publication.id}`;
    const anonymous = await side.fresh(path);
    const etag = anonymous.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"1-[\w-]+"$/);
    expect(anonymous.headers.get('cache-control')).toContain('private');
    expect(anonymous.headers.get('vary')).toContain('Authorization');
    expect(anonymous.headers.get('annals-position')).toBe(await side.log.head());
    const again = await side.fresh(path, { headers: { 'if-none-match': `"0-x", W/${etag}` } });
    expect([again.status, again.body]).toEqual([304, '']);
    expect(again.headers.get('etag')).toBe(etag);
    const another = await side.fresh(path, { as: as(ada.id), headers: { 'if-none-match': etag } });
    expect(another.status).toBe(200);
    await side.append(publication.liked(ada));
    const liked = await side.fresh(path, { headers: { 'if-none-match': etag } });
    expect([liked.status, liked.body.likeCount, liked.body.revision]).toEqual([200, 2, 1]);
    await side.append(publication.unliked(ada));
    expect((await side.fresh(path, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  test('of an author not projected has the id and nothing else', async () => {
    const stranger = person('stranger');
    const orphan = new Article({ author: stranger, title: 'Orphan' });
    await side.append(orphan.created(), orphan.published());
    const unknown = { id: stranger.id, username: null, displayName: null, avatarUrl: null };
    const { body } = await side.fresh(`/v1/articles/${orphan.id}`);
    expect(body.author).toEqual({ ...unknown, articleCount: null, followerCount: null });
    const list = await side.fresh(`/v1/articles?author=${stranger.id}`);
    expect(list.body.results[0].author).toEqual(unknown);
    await side.append(orphan.deleted(true));
  });
});

describe('P9 P10 likes and comments', () => {
  test('likers are people, newest first', async () => {
    await side.append(publication.liked(ada));
    const { body } = await side.fresh(`/v1/articles/${publication.id}/likes`);
    expect(body).toMatchObject({
      count: 2,
      results: [{ id: ada.id, displayName: 'Ada Lovelace' }, { id: grace.id }],
    });
    const pages = await side.fresh(`/v1/articles/${publication.id}/likes?cursor=start&pageSize=1`);
    expect(ids(await side.fresh(pages.body.next))).toEqual([grace.id]);
    await side.append(publication.unliked(ada));
  });

  test('comments come newest first or oldest first, of one parent or of all', async () => {
    const path = `/v1/articles/${publication.id}/comments`;
    const whole = await side.fresh(path);
    expect(whole.body.count).toBe(2);
    expect(ids(whole)).toEqual([reply.id, first.id]);
    expect(ids(await side.fresh(`${path}?sort=createdAt`))).toEqual([first.id, reply.id]);
    const replies = await side.fresh(`${path}?parentId=${first.id}`);
    expect([ids(replies), replies.body.count]).toEqual([[reply.id], 1]);
    const one = await side.fresh(`/v1/comments/${reply.id}`);
    expect(one.body).toEqual(whole.body.results[0]);
    expect(one.body).toEqual({
      id: reply.id,
      articleId: publication.id,
      parentId: first.id,
      content: 'Indeed.',
      createdAt: expect.stringMatching(/Z$/),
      isHidden: false,
      author: { id: ada.id, username: 'ada', displayName: 'Ada Lovelace', avatarUrl: null },
    });
    expect((await side.fresh(`/v1/comments/${ada.id}`)).body.code).toBe('not-found');
  });
});

describe('P3 restoration', () => {
  test('brings an article back with its counts', async () => {
    const { id, slug } = deleted;
    const data = { articleId: id, authorId: ada.id, isPublished: true, tags: [] };
    await side.append({ type: 'ArticleRestored', data });
    expect((await side.fresh(`/v1/articles/${slug}`)).body).toMatchObject({
      id,
      isPublished: true,
      likeCount: 1,
      revision: 3,
    });
    expect(ids(await side.fresh('/v1/articles'))).toContain(id);
    await side.append(deleted.deleted(true));
    expect(ids(await side.fresh('/v1/articles'))).not.toContain(id);
  });
});
