import { as, openReadSide, PUBLIC_URL, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, ids, person } from '../facts.fixture.ts';
import { articleList } from '../views.ts';

let side: ReadSide;
const ada = person('ada.lovelace', 'Ada', 'Lovelace');
const grace = person('grace', 'Grace', 'Hopper');
const TITLES = ['delta', 'alpha', 'charlie', 'bravo', 'alpha', 'echo', 'bravo', 'alpha', 'delta'];
const articles = TITLES.map(
  (title, n) =>
    new Article({
      author: n % 3 === 0 ? grace : ada,
      title: `On ${title}`,
      tags: n % 2 === 0 ? ['even'] : ['odd', 'rare'],
      createdAt: `2026-02-0${n + 1}T00:00:00.000Z`,
    }),
);

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts, ...grace.facts);
  for (const [n, article] of articles.entries()) {
    // Two share a publication time; the last is a draft of Ada.
    const at = `2026-03-0${n === 4 ? 4 : n + 1}T00:00:00.000Z`;
    await side.append(article.created(), ...(n < 8 ? [article.published(at)] : []));
  }
});
afterAll(() => side?.drop());

/** Follows `next` (or `previous`) from `path` to the end. */
async function walk(path: string, way: 'next' | 'previous' = 'next', options = {}): Promise<string[][]> {
  const pages: string[][] = [];
  for (let url: string | null = path; url !== null; ) {
    const answer = await side.fresh(url, options);
    expect(answer.status).toBe(200);
    pages.push(ids(answer));
    url = answer.body[way];
    if (pages.length > 20) throw new Error('the walk does not end');
  }
  return pages;
}

async function lastPage(path: string): Promise<string> {
  let url = path;
  for (;;) {
    const { body } = await side.fresh(url);
    if (body.next === null) return url;
    url = body.next;
  }
}

const published = articles.slice(0, 8);

describe('P5 pages', () => {
  test('visit every row once, in order, with the count', async () => {
    const pages = await walk('/v1/articles?sort=createdAt&pageSize=3');
    expect(pages.map((page) => page.length)).toEqual([3, 3, 2]);
    expect(pages.flat()).toEqual(published.map(({ id }) => id));
    const { body } = await side.fresh('/v1/articles?page=2&pageSize=3&sort=createdAt');
    expect(body).toMatchObject({
      count: 8,
      next: `${PUBLIC_URL}/v1/articles?pageSize=3&sort=createdAt&page=3`,
      previous: `${PUBLIC_URL}/v1/articles?pageSize=3&sort=createdAt&page=1`,
    });
    expect(body).not.toHaveProperty('countIsCapped');
  });

  test('keep every other parameter in their links, whatever it holds', async () => {
    const query = 'title[contains]=%26+%25o&author[not]=nobody&pageSize=1&fields=id,title';
    const { body } = await side.fresh(`/v1/articles?${query.replace('%26+%25o', 'on+')}`);
    const next = new URL(body.next).searchParams;
    expect(Object.fromEntries(next)).toEqual({
      'title[contains]': 'on ',
      'author[not]': 'nobody',
      pageSize: '1',
      fields: 'id,title',
      page: '2',
    });
    expect((await side.fresh(body.next)).status).toBe(200);
    const { body: odd } = await side.fresh('/v1/articles?author[not]=who?&pageSize=1');
    expect(new URL(odd.next).searchParams.get('author[not]')).toBe('who?');
  });

  test('beyond the end are empty', async () => {
    const { body } = await side.fresh('/v1/articles?page=40');
    expect(body).toMatchObject({ results: [], count: 8, next: null });
  });

  test('are ordered by several keys, each its own way, ties broken for good', async () => {
    const { body } = await side.fresh('/v1/articles?sort=title,-createdAt&fields=title,createdAt');
    const order = published
      .map((_, n) => ({ title: `On ${TITLES[n]}`, createdAt: `2026-02-0${n + 1}T00:00:00.000Z` }))
      .sort((a, b) =>
        a.title === b.title ? b.createdAt.localeCompare(a.createdAt) : a.title < b.title ? -1 : 1,
      );
    expect(body.results).toEqual(order);
  });
});

describe('P5 cursors', () => {
  test.each([
    '',
    '&sort=createdAt',
    '&sort=title',
    '&sort=title,-createdAt',
    '&sort=-title,createdAt',
    '&sort=-publishedAt',
  ])('walk to the end visiting every row once, and back again: %s', async (sort) => {
    for (const pageSize of [1, 3, 8]) {
      const start = `/v1/articles?cursor=start&pageSize=${pageSize}${sort}`;
      const whole = ids(await side.fresh(`/v1/articles?pageSize=100${sort}`));
      const forth = await walk(start);
      expect(forth.flat()).toEqual(whole);
      const back = await walk(await lastPage(start), 'previous');
      expect(back.reverse().flat()).toEqual(whole);
    }
  });

  test('leave the count out, and have nothing before the start', async () => {
    const { body } = await side.fresh('/v1/articles?cursor=start&pageSize=3');
    expect(body).not.toHaveProperty('count');
    expect(body.previous).toBeNull();
    const second = (await side.fresh(body.next)).body;
    expect(ids(await side.fresh(second.previous))).toEqual(body.results.map(({ id }: { id: string }) => id));
  });

  test('stay in place while rows come and go', async () => {
    const writer = person('writer');
    const [first, second, third] = [1, 2, 3].map(
      (n) => new Article({ author: writer, title: `Moving ${n}` }),
    );
    if (!first || !second || !third) throw new Error('unreachable');
    const at = (n: number) => `2026-04-0${n}T00:00:00.000Z`;
    await side.append(
      ...writer.facts,
      first.created(),
      first.published(at(1)),
      second.created(),
      second.published(at(2)),
    );
    const page = await side.fresh(`/v1/articles?author=writer&cursor=start&pageSize=1`);
    expect(ids(page)).toEqual([second.id]);
    await side.append(third.created(), third.published(at(3)), second.deleted(true));
    expect(ids(await side.fresh(page.body.next))).toEqual([first.id]);
    await side.append(first.deleted(true), third.deleted(true));
  });

  test('hold the longest titles there can be', async () => {
    const writer = person('sejong');
    // The second unfolds into the most letters that any can.
    const long = ['각'.repeat(200), '\ufdfa'.repeat(200)].map(
      (title) => new Article({ author: writer, title }),
    );
    await side.append(...writer.facts, ...long.flatMap((one) => [one.created(), one.published()]));
    const pages = await walk('/v1/articles?author=sejong&sort=-title&cursor=start&pageSize=1');
    expect(pages.flat().sort()).toEqual(long.map(({ id }) => id).sort());
    await side.append(...long.map((one) => one.deleted(true)));
  });

  test('of another list, cut short, or made up are refused', async () => {
    const { body } = await side.fresh('/v1/articles?cursor=start&pageSize=3');
    const cursor = new URL(body.next).searchParams.get('cursor') ?? '';
    const [identity, direction, keys] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const wrong = [
      `${cursor}&sort=title`,
      `${cursor}&author=ada.lovelace`,
      cursor.slice(0, -4),
      'x',
      '%00',
      made(null),
      made([identity, 'sideways', keys]),
      made([identity, direction, keys.slice(1)]),
      made([identity, direction, ['2026-99-99 00:00:00+00', keys[1]]]),
      made([identity, direction, ['2026-02-30 00:00:00+00', keys[1]]]),
      made([identity, direction, ['0000-01-01 00:00:00+00', keys[1]]]),
      made([identity, direction, ['2026-01-01 24:00:00+00', keys[1]]]),
      made([identity, direction, ['2026-01-01 00:00:00+99', keys[1]]]),
      made([identity, direction, ["'; drop table views.article_list_v4; --", keys[1]]]),
      made([identity, direction, ['infinity', keys[1]]]),
      made([identity, direction, [keys[0], `\u0000`]]),
      made([identity, direction, [keys[0], `\ud800`]]),
      made([identity, direction, [keys[0], 7]]),
    ];
    for (const text of wrong) {
      const answer = await side.get(`/v1/articles?cursor=${text}`);
      expect([answer.status, answer.body.code], text).toEqual([
        400,
        text === '%00' ? 'invalid-parameter' : 'invalid-cursor',
      ]);
    }
    const elsewhere = await side.get(`/v1/users?cursor=${cursor}`);
    expect(elsewhere.body.code).toBe('invalid-cursor');
  });
});

describe('P5 filters', () => {
  const titles = async (query: string, user?: string) =>
    (
      await side.fresh(`/v1/articles?sort=createdAt&fields=title&${query}`, user ? { as: user } : {})
    ).body.results.map(({ title }: { title: string }) => title);
  const by = (keep: (n: number) => boolean) =>
    published.flatMap((_, n) => (keep(n) ? [`On ${TITLES[n]}`] : []));

  test.each([
    ['author=ada.lovelace', (n: number) => n % 3 !== 0],
    ['author=ADA.Lovelace,grace', () => true],
    ['author=nobody', () => false],
    ['author[not]=grace', (n: number) => n % 3 !== 0],
    ['tag=even', (n: number) => n % 2 === 0],
    ['tag=EVEN,odd', () => true],
    ['tag[not]=rare', (n: number) => n % 2 === 0],
    ['isPublished=true', () => true],
    ['isPublished=false', () => false],
    ['isFeatured=true', () => false],
    ['isFeatured=true,false', () => true],
    [
      'createdAt[gte]=2026-02-03T00:00:00Z&createdAt[lt]=2026-02-06T01:00:00%2B01:00',
      (n: number) => n >= 2 && n < 5,
    ],
    ['publishedAt[gt]=2026-03-06T00:00:00Z', (n: number) => n > 5],
    ['publishedAt[lte]=2026-03-02T00:00:00.000Z', (n: number) => n < 2],
    ['title[contains]=ALPH', (n: number) => TITLES[n] === 'alpha'],
    ['title[contains]=alpha,echo', (n: number) => ['alpha', 'echo'].includes(TITLES[n] ?? '')],
    ['title[contains]=a%25a', () => false],
    ['title[contains]=_n', () => false],
    ['externalId=none', () => false],
    ['author=grace&tag=even', (n: number) => n % 6 === 0],
  ])('%s', async (query, keep) => expect(await titles(query)).toEqual(by(keep)));

  test('ids and usernames name the same people', async () => {
    expect(await titles(`author=${grace.id},nobody`)).toEqual(await titles('author=grace'));
    expect(await titles(`author[not]=${grace.id}`)).toEqual(await titles('author[not]=grace'));
  });

  test('a draft has no publication time', async () => {
    const own = as(ada.id);
    expect(await titles('publishedAt[lt]=2030-01-01T00:00:00Z', own)).toEqual(by(() => true));
    expect(await titles('isPublished=false', own)).toEqual(['On delta']);
    const newest = await side.fresh('/v1/articles', { as: own });
    expect(ids(newest).at(-1)).toBe(articles[8]?.id);
  });
});

describe('P5 counts', () => {
  test.each([
    ['', 8],
    ['author=ada.lovelace', 5],
    ['author=nobody', 0],
    ['tag=odd', 4],
    ['tag=absent', 0],
    ['isPublished=true', 8],
    ['author=grace&isPublished=true', 3],
    ['author=grace,ada.lovelace', 8],
    ['title[contains]=alpha', 3],
  ])('are exact: %s', async (query, count) => {
    expect((await side.fresh(`/v1/articles?pageSize=1&${query}`)).body.count).toBe(count);
  });

  test('of authors and staff know the drafts that they see', async () => {
    const count = async (query: string, user: string) =>
      (await side.fresh(`/v1/articles?${query}`, { as: user })).body.count;
    expect(await count('', as(ada.id))).toBe(9);
    expect(await count('author=ada.lovelace', as(ada.id))).toBe(6);
    expect(await count('tag=even', as(ada.id))).toBe(5);
    expect(await count('isPublished=true', as(ada.id))).toBe(8);
    expect(await count('author=grace', as(ada.id))).toBe(3);
    expect(await count('author=ada.lovelace', as(grace.id))).toBe(5);
    expect(await count('', as(ada.id, 'staff'))).toBe(9);
  });

  test('beyond 10,000 are capped unless a counter is kept, and pages end in a cursor', async () => {
    await side.pool.query(
      `insert into views.${articleList.name} (key, doc, part, author_id, title_folded, tags, is_public, is_deleted,
         is_featured, published_at, created_at, updated_at, like_count, comment_count, external_id)
       select 'bulk-' || n, doc, part, 'bulk', 'bulk', '{}', true, false,
         false, '2020-01-01'::timestamptz - n * interval '1 minute', created_at, updated_at, 0, 0, null
       from views.${articleList.name}, generate_series(1, 10100) n where key = $1`,
      [articles[0]?.id],
    );
    const query = 'title[contains]=bulk';
    const first = (await side.fresh(`/v1/articles?${query}`)).body;
    expect(first).toMatchObject({ count: 10_000, countIsCapped: true });
    expect((await side.fresh('/v1/articles')).body).toMatchObject({ count: 8 });
    const last = (await side.fresh(`/v1/articles?${query}&page=100&pageSize=100`)).body;
    expect(last.next).toContain('cursor=');
    const beyond = (await side.fresh(last.next)).body;
    expect(beyond.results).toHaveLength(100);
    expect(beyond.next).toBeNull();
    const tooDeep = await side.get(`/v1/articles?${query}&page=101&pageSize=100`);
    expect([tooDeep.status, tooDeep.body.code]).toEqual([400, 'page-too-deep']);
    await side.pool.query(`delete from views.${articleList.name} where key like 'bulk-%'`);
  });
});

describe('P6 sparse fields', () => {
  test('are chosen or left out, and unknown ones refused', async () => {
    const one = async (query: string) =>
      (await side.fresh(`/v1/articles?pageSize=1&${query}`)).body.results[0];
    expect(Object.keys(await one('fields=title,author')).sort()).toEqual(['author', 'title']);
    const without = await one('exclude=excerpt,author');
    expect(without).not.toHaveProperty('excerpt');
    expect(without).not.toHaveProperty('author');
    expect(without).toHaveProperty('title');
    for (const query of ['fields=content', 'fields=authorId', 'fields=title&exclude=title']) {
      expect((await side.get(`/v1/articles?${query}`)).status).toBe(400);
    }
  });
});

describe('what clients make up', () => {
  const evil = [
    "'; drop table views.article_list_v4; --",
    '") or 1=1 --',
    '$1',
    '\\',
    '%',
    '{}',
    '{"a"}',
    'NULL',
    '\u{1F600}',
  ];
  const parameters = [
    'author',
    'author[not]',
    'tag',
    'tag[not]',
    'externalId',
    'title[contains]',
    'search',
    'username',
  ];

  test.each(parameters)('stays a value: %s', async (parameter) => {
    for (const value of evil) {
      const list = parameter === 'username' ? 'users' : 'articles';
      const answer = await side.get(`/v1/${list}?${parameter}=${encodeURIComponent(value)}`);
      expect([200, 400], `${parameter}=${value}`).toContain(answer.status);
      if (answer.status === 200 && !parameter.includes('not')) expect(ids(answer)).toEqual([]);
    }
    expect((await side.get('/v1/articles')).body.count).toBe(8);
  });

  test.each(['sort', 'fields', 'exclude', 'page', 'pageSize', 'createdAt[gte]', 'isPublished', 'unheardOf'])(
    'is refused: %s',
    async (parameter) => {
      for (const value of evil) {
        const answer = await side.get(`/v1/articles?${parameter}=${encodeURIComponent(value)}`);
        expect(answer.status, `${parameter}=${value}`).toBe(400);
      }
    },
  );
});
