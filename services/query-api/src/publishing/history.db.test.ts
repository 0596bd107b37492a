import { as, openReadSide, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, person } from '../facts.fixture.ts';

let side: ReadSide;
const ada = person('ada', 'Ada', 'Lovelace');
const article = new Article({ author: ada, title: 'First title', tags: ['one'] });
const path = `/v1/articles/${article.id}`;
const owner = { as: as(ada.id) };
const at = (second: number) => ({ occurredAt: `2026-05-01T00:00:0${second}.000Z` });
const by = { id: ada.id, username: 'ada', displayName: 'Ada Lovelace', avatarUrl: null };

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts);
  await side.append(
    { ...article.created(), ...at(0) },
    { ...article.updated({ content: '<p>Second.</p>', tags: ['one'], previousTags: ['one'] }), ...at(1) },
    {
      ...article.updated({ title: 'New title', slug: 'new-title' }),
      ...at(2),
      actor: { kind: 'service', id: 'worker' },
    },
    { ...article.published('2026-04-04T00:00:00.000Z'), ...at(3) },
    { ...article.deleted(true), ...at(4) },
    {
      type: 'ArticleRestored',
      data: { articleId: article.id, authorId: ada.id, isPublished: true, tags: ['one'] },
      ...at(5),
    },
  );
});
afterAll(() => side?.drop());

describe('P13 history', () => {
  test('says of every change who, when, and what from and to, newest first', async () => {
    const { body } = await side.fresh(`${path}/history`, owner);
    expect(body.count).toBe(6);
    expect(body.results).toEqual([
      {
        revision: 5,
        type: 'ArticleRestored',
        at: at(5).occurredAt,
        by: null,
        changes: [{ field: 'isDeleted', from: true, to: false }],
      },
      {
        revision: 4,
        type: 'ArticleDeleted',
        at: at(4).occurredAt,
        by,
        changes: [{ field: 'isDeleted', from: null, to: true }],
      },
      {
        revision: 3,
        type: 'ArticlePublished',
        at: at(3).occurredAt,
        by,
        changes: [
          { field: 'isPublished', from: null, to: true },
          { field: 'publishedAt', from: null, to: '2026-04-04T00:00:00.000Z' },
        ],
      },
      {
        revision: 2,
        type: 'ArticleUpdated',
        at: at(2).occurredAt,
        by: null,
        changes: [
          { field: 'title', from: 'First title', to: 'New title' },
          { field: 'slug', from: article.slug, to: 'new-title' },
        ],
      },
      {
        revision: 1,
        type: 'ArticleUpdated',
        at: at(1).occurredAt,
        by,
        changes: [{ field: 'content', from: '<p>Some words.</p>', to: '<p>Second.</p>' }],
      },
      {
        revision: 0,
        type: 'ArticleCreated',
        at: at(0).occurredAt,
        by,
        changes: [
          { field: 'title', from: null, to: 'First title' },
          { field: 'slug', from: null, to: article.slug },
          { field: 'content', from: null, to: '<p>Some words.</p>' },
          { field: 'tags', from: null, to: ['one'] },
        ],
      },
    ]);
  });

  test('gives one change as the list does, and pages by cursor', async () => {
    const whole = (await side.fresh(`${path}/history`, owner)).body.results;
    const second = (
      await side.fresh((await side.fresh(`${path}/history?cursor=start&pageSize=2`, owner)).body.next, owner)
    ).body;
    expect(second.results).toEqual(whole.slice(2, 4));
    const one = await side.fresh(`${path}/history/2`, owner);
    expect(one.body).toEqual(whole[3]);
    expect(one.headers.get('etag')).toMatch(/^"2-/);
    for (const revision of ['6', '999999999']) {
      expect((await side.fresh(`${path}/history/${revision}`, owner)).body.code).toBe('not-found');
    }
  });
});

test('P13 a page of large changes ends early, and its links go on', async () => {
  const large = new Article({ author: ada, title: 'Large', content: `<p>${'0'.repeat(400_000)}</p>` });
  await side.append(large.created());
  for (let n = 1; n < 6; n++)
    await side.append(large.updated({ content: `<p>${String(n).repeat(400_000)}</p>` }));
  const history = `/v1/articles/${large.id}/history`;
  const walk = async (from: string, way: 'next' | 'previous') => {
    const pages: number[][] = [];
    for (let url: string | null = from; url !== null; ) {
      const { body } = await side.fresh(url, owner);
      pages.push(body.results.map(({ revision }: { readonly revision: number }) => revision));
      url = body[way];
    }
    return pages;
  };
  expect(await walk(`${history}?pageSize=50`, 'next')).toEqual([
    [5, 4, 3],
    [2, 1, 0],
  ]);
  const { body: first } = await side.fresh(`${history}?cursor=start&pageSize=50`, owner);
  const { body: last } = await side.fresh(first.next, owner);
  expect(await walk(last.previous, 'previous')).toEqual([[5, 4, 3]]);
  expect(await walk(`${history}?pageSize=2`, 'next')).toEqual([
    [5, 4],
    [3, 2],
    [1, 0],
  ]);
});

describe('P13 as of then', () => {
  const then = async (asOf: string) => side.fresh(`${path}?asOf=${asOf}`, owner);

  test.each([
    [
      '0',
      {
        title: 'First title',
        content: '<p>Some words.</p>',
        excerpt: 'Some words.',
        isPublished: false,
        updatedBy: null,
      },
    ],
    [
      '1',
      {
        title: 'First title',
        content: '<p>Second.</p>',
        excerpt: 'Second.',
        slug: article.slug,
        updatedBy: ada.id,
      },
    ],
    ['2', { title: 'New title', slug: 'new-title', isPublished: false, publishedAt: null }],
    [
      '3',
      { isPublished: true, publishedAt: '2026-04-04T00:00:00.000Z', updatedAt: '2026-05-01T00:00:03.000Z' },
    ],
    ['5', { isPublished: true, isOwner: true, canEdit: true }],
  ])('revision %s', async (revision, expected) => {
    const { status, body } = await then(revision);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...expected, revision: Number(revision), createdAt: at(0).occurredAt });
  });

  test('of now it is the article', async () => {
    const [now, past] = [await side.fresh(path, owner), await then('5')];
    expect(past.body).toEqual(now.body);
  });

  test('a time is that of the newest change until then', async () => {
    for (const time of [
      '2026-05-01T00:00:01.000Z',
      '2026-05-01T00:00:01.999Z',
      '2026-05-01T02:00:01.5%2B02:00',
    ]) {
      expect((await then(time)).body).toMatchObject({ revision: 1, content: '<p>Second.</p>' });
    }
    expect((await then('2030-01-01T00:00:00Z')).body.revision).toBe(5);
  });

  test('what was not there then is not found', async () => {
    for (const asOf of ['6', '999999999', '4', '2020-01-01T00:00:00Z', '2026-05-01T00:00:04.500Z']) {
      expect([asOf, (await then(asOf)).body.code]).toEqual([asOf, 'not-found']);
    }
  });
});
