import { as, openReadSide, type ReadSide, serviceCaller } from '@annals/testing/read-side';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Article, category, ids, person } from '../facts.fixture.ts';

let side: ReadSide;
const ada = person('ada');
const draft = (day: number) =>
  new Article({ author: ada, title: `Draft ${day}`, createdAt: `2026-03-0${day}T00:00:00.000Z` });
const drafts = [draft(1), draft(2), draft(3), draft(4)];
const [touched, published, deleted, scheduled] = [draft(1), draft(1), draft(1), draft(1)];

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts);
  await side.append(...drafts.map((article) => article.created()));
  const at = { occurredAt: '2026-03-01T00:00:00.000Z' };
  const publishAt = '2027-01-01T00:00:00.000Z';
  await side.append(touched.created(), {
    ...touched.updated({ title: 'New' }),
    occurredAt: '2026-03-09T00:00:00.000Z',
  });
  await side.append(published.created(), { ...published.published(), ...at });
  await side.append(deleted.created(), { ...deleted.deleted(false), ...at });
  await side.append(scheduled.created(), { ...scheduled.changed('ArticleScheduled', { publishAt }), ...at });
  await side.fresh('/v1/articles');
});
afterAll(() => side?.drop());

const ask = (query: Record<string, string>, as = serviceCaller) =>
  side.get(`/internal/articles/untouched-drafts?${new URLSearchParams(query)}`, { as });

test('P14 finds drafts that nobody touched since, page by page, but none to be published later', async () => {
  const before = '2026-03-03T00:00:00.000Z';
  const whole = await ask({ before, limit: '100' });
  const found = drafts.slice(0, 3).map(({ id }) => ({ id, revision: 0 }));
  expect(whole.body).toEqual({ drafts: found, next: null });
  const first = (await ask({ before, limit: '2' })).body;
  expect(first.drafts).toEqual(found.slice(0, 2));
  const second = (await ask({ before, limit: '2', after: first.next })).body;
  expect(second).toEqual({ drafts: found.slice(2), next: null });
});

test('P14 asks for what it understands, and is there for our services alone', async () => {
  for (const query of [
    { before: 'x', limit: '1' },
    { before: '2026-03-03T00:00:00Z', limit: '1', after: 'x' },
  ])
    expect((await ask(query as Record<string, string>)).status).toBe(400);
  const stranger = 'Bearer 01990000-0000-7000-8000-0000000000fe staff';
  expect((await ask({ before: '2026-03-03T00:00:00Z', limit: '1' }, stranger)).status).toBe(404);
});

test('P11 articles are found by their categories, and counted exactly', async () => {
  const [trees, engines] = [category('About trees'), category('About engines')];
  const inside = (categoryId: string | undefined, title: string) =>
    new Article({ author: ada, title, ...(categoryId ? { categoryId } : {}) });
  const [oak, ash, steam, loose] = [
    ...[inside(trees.id, 'Oak trees'), inside(trees.id, 'Ash trees')],
    ...[inside(engines.id, 'Steam engines'), inside(undefined, 'Loose ends')],
  ] as const;
  const all = [oak, ash, steam, loose];
  await side.append(trees, engines);
  for (const [day, article] of all.entries())
    await side.append(article.created(), article.published(`2026-06-0${4 - day}T00:00:00.000Z`));
  const found = async (query: string) => {
    const { body } = await side.fresh(`/v1/articles?publishedAt[gte]=2026-06-01T00:00:00Z&${query}`);
    return [body.count, ids({ body })];
  };
  const known = all.map(({ id }) => id);
  expect(await found('')).toEqual([4, known]);
  expect(await found('category=about-trees')).toEqual([2, [oak.id, ash.id]]);
  expect(await found(`category=ABOUT-trees,${engines.id}`)).toEqual([3, [oak.id, ash.id, steam.id]]);
  expect(await found('category[not]=about-trees')).toEqual([2, [steam.id, loose.id]]);
  expect(await found('category[not]=nothing')).toEqual([4, known]);
  expect(await found('category=nothing')).toEqual([0, []]);
  // Kept by a counter, with the drafts that the caller sees.
  const draftOnTrees = inside(trees.id, 'A draft on trees');
  await side.append(draftOnTrees.created());
  const counted = async (user?: string) =>
    (await side.fresh('/v1/articles?category=about-trees', user ? { as: user } : {})).body.count;
  expect([await counted(), await counted(as(ada.id))]).toEqual([2, 3]);
  const { body } = await side.fresh('/v1/categories');
  expect(
    body.results.map((one: { name: string; articleCount: number }) => [one.name, one.articleCount]),
  ).toEqual([
    ['About engines', 1],
    ['About trees', 2],
  ]);
  const named = async (path: string) =>
    (await side.fresh(path)).body.results.map(({ name }: { name: string }) => name);
  expect(await named('/v1/categories?name[contains]=TREE')).toEqual(['About trees']);
  expect(await named('/v1/categories?isRetired=true')).toEqual([]);
  const shown = { id: trees.id, slug: 'about-trees', name: 'About trees' };
  expect((await side.fresh(`/v1/articles/${oak.id}`)).body.category).toEqual(shown);
  expect((await side.fresh(`/v1/articles/${loose.id}`)).body.category).toBeNull();
});

test('P11 P13 a category that the view does not know has its id alone, also as of then', async () => {
  const [unknown, known] = [crypto.randomUUID(), category('Known later')];
  const article = new Article({ author: ada, title: 'Moved about', categoryId: unknown });
  const moved = article.updated({ categoryId: known.id, previousCategoryId: unknown });
  await side.append(known, article.created(), moved, article.published());
  const path = `/v1/articles/${article.id}`;
  const past = await side.fresh(`${path}?asOf=0`, { as: as(ada.id) });
  expect(past.body.category).toEqual({ id: unknown, slug: null, name: null });
  const { body } = await side.fresh(path);
  expect(body.category).toEqual({ id: known.id, slug: 'known-later', name: 'Known later' });
  const history = await side.fresh(`${path}/history/1`, { as: as(ada.id) });
  expect(history.body.changes).toEqual([{ field: 'categoryId', from: unknown, to: known.id }]);
});

test('P4 P13 schedules and features are changes of the history', async () => {
  const article = new Article({ author: ada, title: 'Planned well' });
  const publishAt = '2026-07-01T08:00:00.000Z';
  await side.append(
    article.created(),
    article.changed('ArticleScheduled', { publishAt }),
    article.published(publishAt),
  );
  await side.append(article.changed('ArticleFeatured'), article.unpublished());
  const { body } = await side.fresh(`/v1/articles/${article.id}/history`, { as: as(ada.id) });
  const changes = body.results.map((entry: { changes: { field: string }[] }) =>
    Object.fromEntries(entry.changes.map((change) => [change.field, { ...change, field: undefined }])),
  );
  expect(changes.slice(0, 4)).toEqual([
    {
      isPublished: { from: true, to: false },
      publishedAt: { from: publishAt, to: null },
      isFeatured: { from: true, to: false },
    },
    { isFeatured: { from: null, to: true } },
    {
      isPublished: { from: null, to: true },
      publishedAt: { from: null, to: publishAt },
      publishAt: { from: publishAt, to: null },
    },
    { publishAt: { from: null, to: publishAt } },
  ]);
  const then = await side.fresh(`/v1/articles/${article.id}?asOf=1`, { as: as(ada.id) });
  expect(then.body).toMatchObject({ publishAt, isPublished: false, isFeatured: false });
});

test('P10 moderators and whoever wrote it see all of a hidden comment', async () => {
  const [grace, eve] = [person('grace'), person('eve')];
  const article = new Article({ author: ada, title: 'Much discussed' });
  const comment = article.commented(grace, 'Buy!');
  const data = { commentId: comment.id, articleId: article.id, reason: 'Advertising' };
  const hidden = { type: 'CommentHidden', data, actor: { kind: 'user' as const, id: eve.id } };
  await side.append(...grace.facts, ...eve.facts, article.created(), article.published(), comment, hidden);
  for (const [caller, seesAll] of [
    [undefined, false],
    [as(ada.id), false],
    [as(grace.id), true],
    [as(eve.id, 'can_moderate'), true],
  ] as const) {
    const options = caller ? { as: caller } : {};
    const one = await side.fresh(`/v1/comments/${comment.id}`, options);
    const why = { reason: 'Advertising', by: eve.id, at: expect.any(String) };
    expect([one.body.isHidden, one.body.content, one.body.hidden]).toEqual(
      seesAll ? [true, 'Buy!', why] : [true, '', undefined],
    );
    expect(one.headers.get('etag')).toMatch(/^"1-/);
    const list = await side.fresh(`/v1/articles/${article.id}/comments`, options);
    const detail = await side.fresh(`/v1/articles/${article.id}`, options);
    for (const { body } of [list, { body: { results: detail.body.comments } }])
      expect(body.results).toEqual([one.body]);
  }
});
