import {
  getArticle,
  getHistoryEntry,
  likeArticle,
  listArticles,
  listHistory,
  listLikers,
  publishArticle,
  unlikeArticle,
  updateArticle,
  viewArticle,
} from '@annals/contracts/publishing/article.routes';
import {
  addComment,
  getComment,
  hideComment,
  listComments,
} from '@annals/contracts/publishing/comment.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type ArticleOptions, ids, writeArticle } from './articles.ts';
import { Api, after } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
const staff = anonymous.as(inject('adminToken'));
let author: Person;
let reader: Person;

beforeAll(async () => {
  author = await newPerson(url, 'author');
  reader = await newPerson(url, 'reader');
});

const newArticle = (options: ArticleOptions = {}) => writeArticle(author, options);

describe('likes and comments', () => {
  test('P9 a like counts once per reader, and can be taken back', async () => {
    const { id, last } = await newArticle({ publish: true });
    const readers = [reader, author, await newPerson(url, 'liker')];
    const answers = await Promise.all(
      readers.flatMap(({ api }) => [1, 2].map(() => api.ok(likeArticle, { params: { id } }))),
    );
    const newest = answers.reduce(
      (a, b) => ((a.headers.get('annals-position') ?? '') > (b.headers.get('annals-position') ?? '') ? a : b),
      last,
    );
    const seen = await reader.api.ok(getArticle, { params: { idOrSlug: id }, ...after(newest) });
    expect(seen.body).toMatchObject({ likeCount: 3, isLiked: true });
    expect(ids(await anonymous.ok(listLikers, { params: { id }, ...after(newest) })).sort()).toEqual(
      readers.map((r) => r.id).sort(),
    );
    const taken = await reader.api.ok(unlikeArticle, { params: { id } });
    expect(
      (await reader.api.ok(getArticle, { params: { idOrSlug: id }, ...after(taken) })).body,
    ).toMatchObject({ likeCount: 2, isLiked: false });
  });

  test('P9 what the reader may not see cannot be liked', async () => {
    const { id } = await newArticle();
    expect((await reader.api.call(likeArticle, { params: { id } })).status).toBe(404);
  });

  test('P10 comments and replies', async () => {
    const { id } = await newArticle({ publish: true });
    const first = await reader.api.ok(addComment, { params: { id }, body: { content: 'First!' } });
    const reply = await author.api.ok(addComment, {
      params: { id },
      body: { content: 'Indeed.', parentId: first.body.id },
    });
    const list = await anonymous.ok(listComments, { params: { id }, ...after(reply) });
    expect(ids(list)).toEqual([reply.body.id, first.body.id]);
    const one = await anonymous.ok(getComment, { params: { id: reply.body.id }, ...after(reply) });
    expect(one.body).toMatchObject({
      articleId: id,
      parentId: first.body.id,
      content: 'Indeed.',
      isHidden: false,
    });
    expect(one.body.author.id).toBe(author.id);
    const detail = await anonymous.ok(getArticle, { params: { idOrSlug: id }, ...after(reply) });
    expect(detail.body.commentCount).toBe(2);
    expect(detail.body.comments.map((comment: { id: string }) => comment.id)).toEqual([
      reply.body.id,
      first.body.id,
    ]);
  });

  test('P10 a reply answers a comment of the same article', async () => {
    const one = await newArticle({ publish: true });
    const other = await newArticle({ publish: true });
    const comment = await reader.api.ok(addComment, { params: { id: one.id }, body: { content: 'Here.' } });
    const refused = await reader.api.call(addComment, {
      params: { id: other.id },
      body: { content: 'There.', parentId: comment.body.id },
    });
    expect(refused.status).toBe(422);
  });

  test('P10 a hidden comment stays in its place without its content, and moderators see why', async () => {
    const { id } = await newArticle({ publish: true });
    const { body: comment } = await reader.api.ok(addComment, { params: { id }, body: { content: 'Spam!' } });
    const params = { id: comment.id };
    const refused = await author.api.call(hideComment, { params, body: { reason: 'Mine' } });
    expect(refused.body.code).toBe('forbidden');
    const hidden = await staff.ok(hideComment, { params, body: { reason: 'Advertising' } });
    expect((await staff.ok(hideComment, { params, body: { reason: 'Again' } })).body).toEqual(hidden.body);
    const reply = await author.api.ok(addComment, {
      params: { id },
      body: { content: 'Well.', parentId: comment.id },
    });
    const seenBy = async ({ api }: { api: Api }) => {
      const list = await api.ok(listComments, { params: { id }, ...after(reply) });
      const detail = await api.ok(getArticle, { params: { idOrSlug: id }, ...after(reply) });
      expect([list.body.count, detail.body.commentCount]).toEqual([2, 2]);
      expect(detail.body.comments).toEqual(list.body.results);
      expect(list.body.results[0]).toMatchObject({ content: 'Well.', isHidden: false });
      const one = await api.ok(getComment, { params, ...after(reply) });
      expect(one.body).toEqual(list.body.results[1]);
      return one.body;
    };
    const why = { reason: 'Advertising', by: expect.any(String), at: expect.any(String) };
    for (const viewer of [{ api: staff }, reader])
      expect(await seenBy(viewer)).toMatchObject({ content: 'Spam!', isHidden: true, hidden: why });
    for (const viewer of [{ api: anonymous }, author]) {
      const seen = await seenBy(viewer);
      expect(seen).toMatchObject({ content: '', isHidden: true });
      expect(seen).not.toHaveProperty('hidden');
    }
  });

  test('P10 nobody comments on a draft', async () => {
    const { id } = await newArticle();
    expect((await reader.api.call(addComment, { params: { id }, body: { content: 'Early.' } })).status).toBe(
      404,
    );
  });
});

test('P12 readers are counted, each once an hour', async () => {
  const { id, last } = await newArticle({ publish: true });
  const params = { id };
  expect((await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(last) })).body.viewCount).toBe(
    0,
  );
  for (const api of [anonymous, reader.api, anonymous, reader.api]) await api.ok(viewArticle, { params });
  const count = async () => (await anonymous.ok(getArticle, { params: { idOrSlug: id } })).body.viewCount;
  await expect.poll(count, { timeout: 30_000 }).toBe(2);
  const listed = await anonymous.ok(listArticles, { query: { author: author.id } });
  expect(listed.body.results.find((one: { id: string }) => one.id === id).viewCount).toBe(2);
  const draft = await newArticle();
  expect((await author.api.call(viewArticle, { params: { id: draft.id } })).status).toBe(404);
});

describe('history', () => {
  test('P13 every change with who, when and a diff; as of any revision', async () => {
    const { id, title } = await newArticle();
    await author.api.ok(updateArticle, { params: { id }, body: { content: '<p>Second.</p>' } });
    const published = await author.api.ok(publishArticle, { params: { id } });
    const { body } = await author.api.ok(listHistory, { params: { id }, ...after(published) });
    expect(body.results.map((entry: { type: string }) => entry.type)).toEqual([
      'ArticlePublished',
      'ArticleUpdated',
      'ArticleCreated',
    ]);
    expect(body.results[1]).toMatchObject({
      revision: 1,
      changes: [{ field: 'content', from: '<p>Some words.</p>', to: '<p>Second.</p>' }],
    });
    expect(body.results[1].by.id).toBe(author.id);
    const entry = await author.api.ok(getHistoryEntry, { params: { id, revision: 1 } });
    expect(entry.body).toEqual(body.results[1]);
    const then = await author.api.ok(getArticle, {
      params: { idOrSlug: id },
      query: { asOf: 0 },
      ...after(published),
    });
    expect(then.body).toMatchObject({
      title,
      content: '<p>Some words.</p>',
      isPublished: false,
      revision: 0,
    });
  });

  test('P13 only the owner and staff see it', async () => {
    const { id, last } = await newArticle({ publish: true });
    expect((await reader.api.call(listHistory, { params: { id }, ...after(last) })).status).toBe(403);
    expect((await anonymous.call(listHistory, { params: { id } })).status).toBe(401);
    expect(
      (await reader.api.call(getArticle, { params: { idOrSlug: id }, query: { asOf: 0 }, ...after(last) }))
        .status,
    ).toBe(403);
  });
});
