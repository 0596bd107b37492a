import { as, openReadSide, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, follows, ids, person } from '../facts.fixture.ts';

let side: ReadSide;
const DAY_MS = 24 * 60 * 60_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
const [ada, grace, edith, reader] = [person('ada'), person('grace'), person('edith'), person('reader')];
const likers = Array.from({ length: 16 }, (_, n) => person(`liker-${n}`));

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...[ada, grace, edith, reader].flatMap(({ facts }) => facts));
});
afterAll(() => side?.drop());

const article = (author = ada, title = 'A title') => new Article({ author, title });

describe('P8 the feed', () => {
  const list = async (path = '/v1/feed') => (await side.fresh(path, { as: as(reader.id) })).body;

  test('holds what those whom one follows have published, the newest first', async () => {
    const [first, second, third, draft, others] = [
      article(),
      article(grace),
      article(),
      article(),
      article(edith),
    ];
    await side.append(follows(reader, ada), follows(reader, grace), follows(grace, edith));
    for (const [at, one] of [first, second, third, others].entries())
      await side.append(one.created(), one.published(daysAgo(10 - at)));
    await side.append(draft.created());
    const all = await list();
    expect([ids({ body: all }), all.count]).toEqual([[third.id, second.id, first.id], 3]);
    expect((await side.get('/v1/feed')).status).toBe(401);
    await side.append(third.unpublished(), second.deleted(true));
    expect(ids({ body: await list() })).toEqual([first.id]);
    await side.append(third.published(daysAgo(1)));
    await side.append({ type: 'UserUnfollowed', data: { followerId: reader.id, userId: grace.id } });
    const left = await list();
    expect([ids({ body: left }), left.count]).toEqual([[third.id, first.id], 2]);
    const none = await side.fresh('/v1/feed', { as: as(edith.id) });
    expect([none.body.results, none.body.count]).toEqual([[], 0]);
  });

  test('is walked by cursors and pages without a repeat or a hole', async () => {
    const many = Array.from({ length: 7 }, () => article(grace));
    await side.append(follows(reader, grace));
    const at = daysAgo(20);
    for (const one of many) await side.append(one.created(), one.published(at));
    const whole = ids({ body: await list('/v1/feed?pageSize=100') });
    expect(whole).toHaveLength(9);
    for (const start of ['/v1/feed?cursor=start&pageSize=2', '/v1/feed?page=1&pageSize=2']) {
      const seen: string[] = [];
      for (let next: string | null = start; next; ) {
        const page: { results: { id: string }[]; next: string | null } = await list(next);
        seen.push(...page.results.map(({ id }) => id));
        next = page.next;
      }
      expect(seen, start).toEqual(whole);
    }
  });
});

describe('P8 what trends', () => {
  const trending = async (query = '') => ids(await side.fresh(`/v1/trending${query}`));

  test('goes by likes and recency within the window', async () => {
    const [old, liked, recent, older] = [article(edith), article(edith), article(edith), article(edith)];
    const days: [Article, number, number][] = [
      [old, 40, 16],
      [older, 20, 16],
      [liked, 3, 8],
      [recent, 0.5, 0],
    ];
    for (const [one, ago, likes] of days) {
      await side.append(one.created(), one.published(daysAgo(ago)));
      for (const by of likers.slice(0, likes)) await side.append(one.liked(by));
    }
    const mine = new Set([old, liked, recent, older].map(({ id }) => id));
    const among = async (query: string) => (await trending(query)).filter((id) => mine.has(id));
    // Nine times as many are worth 3.2 days where a doubling is worth one.
    expect(await among('')).toEqual([liked.id, recent.id]);
    expect(await among('?window=7d')).toEqual([liked.id, recent.id]);
    expect(await among('?window=1d')).toEqual([recent.id]);
    expect(await among('?window=30d')).toEqual([liked.id, recent.id, older.id]);
    await side.append(liked.unpublished());
    expect(await among('')).toEqual([recent.id]);
    await side.append(recent.deleted(true));
    expect(await among('')).toEqual([]);
    for (const query of ['?window=2d', '?window=1d,7d', '?window=', '?sort=title', '?search=x'])
      expect((await side.get(`/v1/trending${query}`)).status, query).toBe(400);
  });
});
