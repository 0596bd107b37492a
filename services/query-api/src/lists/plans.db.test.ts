import { discover, ofKind } from '@annals/contracts/kit/discover';
import { articleTrendsView } from '@annals/contracts/publishing/trends';
import { viewName } from '@annals/platform/consumer/projection';
import type { BoundRoute, Caller } from '@annals/platform/http/types';
import { createPool } from '@annals/platform/postgres/pool';
import type { Queryable } from '@annals/platform/postgres/shared-connections';
import { createPostgresDocuments } from '@annals/platform/read-store/postgres-documents';
import { as, openReadSide, type ReadSide } from '@annals/testing/read-side';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Article, follows as followsFact, ids, person } from '../facts.fixture.ts';
import { createQueryContext, type Queries } from '../queries.ts';
import { settingsOfOthers, settingsOfQuick } from '../settings.ts';
import * as views from '../views.ts';
import { fillViews } from './bulk.fixture.ts';

/** Rows of each table: enough to tell who reads it as a whole from who reads an index. */
const ROWS = 12_000;
/** Tables below this are read as a whole by whoever likes. */
const BIG = 10_000;

let side: ReadSide;
const pools: Partial<Record<'quick' | 'others', pg.Pool>> = {};
const [ada, grace] = [person('ada', 'Ada', 'Lovelace'), person('grace')];
const article = new Article({
  author: ada,
  title: 'Common title',
  content: '<p>A common word.</p>',
  tags: ['one'],
});
const comment = article.commented(grace, 'Indeed.');

beforeAll(async () => {
  side = await openReadSide();
  await side.append(
    ...ada.facts,
    ...grace.facts,
    followsFact(grace, ada),
    article.created(),
    article.published(),
  );
  await side.append(article.liked(grace), comment);
  for (const path of ['/v1/users', '/v1/articles?search=x', '/v1/trending', `/v1/users/${ada.id}/followers`])
    await side.fresh(path);
  for (const path of ['likes', 'comments', 'history'])
    await side.fresh(`/v1/articles/${article.id}/${path}`, { as: as(ada.id) });
  const {
    articleList,
    articleSearch,
    titleWords,
    profiles,
    follows,
    likes,
    comments,
    articleCounters,
    articleHistory,
  } = views;
  const tables = {
    ...{ list: articleList.name, search: articleSearch.name, words: titleWords.name },
    ...{ profiles: profiles.name, follows: follows.name },
    ...{ likes: likes.name, comments: comments.name, counters: articleCounters.name },
    ...{ history: articleHistory.name, trends: viewName(articleTrendsView) },
  };
  const keys = {
    ...{ article: article.id, word: 'common', author: ada.id, follower: grace.id, comment: comment.id },
    ...{ like: `${article.id}.${grace.id}`, follow: `${grace.id}.${ada.id}` },
  };
  await fillViews(side.pool, tables, keys, ROWS);
  for (const [name, settings] of Object.entries({ quick: settingsOfQuick, others: settingsOfOthers }))
    pools[name as 'quick' | 'others'] = createPool({ url: side.url, application: 'plans', max: 1, settings });
});
afterAll(async () => {
  for (const pool of Object.values(pools)) await pool.end();
  await side?.drop();
});

interface Asked {
  readonly isQuick: boolean;
  readonly text: string;
  readonly values: unknown[];
}

/** Handlers that ask nobody: what they would ask is in `asked`. */
async function recorded(): Promise<{ bound: readonly BoundRoute[]; asked: Asked[] }> {
  const asked: Asked[] = [];
  const clientOf = (isQuick: boolean): Queryable => ({
    async query({ text, values = [] }) {
      asked.push({ isQuick, text, values });
      return { rows: [{ found: 0, items: null, keys: null, count: 0 }] } as never;
    },
  });
  const context = createQueryContext({
    publicUrl: '',
    log: { check: async () => undefined },
    freshness: {
      async read(_views, { isQuick = false }, work) {
        const client = clientOf(isQuick);
        const data = await work(client, createPostgresDocuments(client));
        return { data, position: '', parked: 0, basis: null };
      },
    },
  });
  const here = new URL('../', import.meta.url);
  const queries = await discover(here, '.queries.ts', ofKind<'queries', Queries>('queries'));
  return { bound: queries.flatMap(({ bind }) => bind(context)), asked };
}

const callers: Readonly<Record<string, Caller>> = {
  anonymous: { kind: 'anonymous', address: '' },
  user: { kind: 'user', userId: grace.id, sessionId: '', permissions: new Set(), address: '' },
  staff: { kind: 'user', userId: ada.id, sessionId: '', permissions: new Set(['staff']), address: '' },
};

/** A value of each kind of parameter. */
const samples: Readonly<Record<string, readonly string[]>> = {
  author: ['author-7', ada.id, `${ada.id},${grace.id}`],
  'author[not]': [ada.id],
  tag: ['tag-7', 'tag-7,tag-8'],
  'tag[not]': ['tag-7'],
  category: [article.id],
  'category[not]': [article.id],
  isPublished: ['true', 'false'],
  isFeatured: ['true', 'false'],
  isDeleted: ['true', 'false'],
  isRetired: ['true', 'false'],
  externalId: ['x-7'],
  'title[contains]': ['title 77', 'e'],
  name: ['tag-7'],
  'name[contains]': ['ag-7', 'e'],
  username: ['user-7'],
  'username[contains]': ['er-77', 'e'],
  parentId: [comment.id],
  search: ['rarely', 'common', 'user', 'nothing', 'comon titel', 'title -rarely'],
  window: ['1d', '7d', '30d'],
};
const time = /\[(gte|lte|gt|lt)\]$/;
const notFilters = new Set(['page', 'pageSize', 'cursor', 'sort', 'fields', 'exclude']);

/** One query per filter and order, each alone and both together. */
function queriesOf({ route }: BoundRoute): string[] {
  const { properties } = z.toJSONSchema(route.query, { io: 'input' }) as {
    properties: Record<string, { description?: string }>;
  };
  const filters = Object.keys(properties)
    .filter((name) => !notFilters.has(name))
    .flatMap((name) => {
      const values = samples[name] ?? (time.test(name) ? ['2026-01-01T00:00:00.000Z'] : undefined);
      if (!values) throw new Error(`no sample of ${name}`);
      return values.map((value) => `${name}=${encodeURIComponent(value)}`);
    });
  const described = /^Some of (.*); -name/.exec(properties.sort?.description ?? '')?.[1];
  const orders = (described?.split(', ') ?? []).flatMap((name) => [`sort=${name}`, `sort=-${name}`]);
  const both = filters.flatMap((filter) => orders.map((order) => `${filter}&${order}`));
  return ['', 'cursor=start', ...filters, ...orders, ...both];
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Plan[];
}

function readAsWhole(plan: Plan): string[] {
  const own = plan['Node Type'] === 'Seq Scan' && plan['Relation Name'] ? [plan['Relation Name']] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(readAsWhole)];
}

/** The big tables that a statement reads as a whole, as the service would run it. */
async function wholeTables({ isQuick, text, values }: Asked, big: ReadonlySet<string>): Promise<string[]> {
  const pool = pools[isQuick ? 'quick' : 'others'];
  const { rows } = (await (isQuick
    ? pool?.query(`explain (generic_plan, format json) ${text}`)
    : pool?.query(`explain (format json) ${text}`, values))) ?? { rows: [] };
  return readAsWhole(rows[0]['QUERY PLAN'][0].Plan).filter((table) => big.has(table));
}

describe('P5 the plan of every list, whatever its filter and order', () => {
  test('reads no big table as a whole', async () => {
    const { bound, asked } = await recorded();
    const { rows } = await side.pool.query<{ relname: string }>(
      'select relname from pg_class where reltuples > $1',
      [BIG],
    );
    const big = new Set(rows.map(({ relname }) => relname));
    expect(big.size).toBeGreaterThanOrEqual(10);
    const lists = bound.filter(({ route }) =>
      JSON.stringify(z.toJSONSchema(route.query, { io: 'input' })).includes('"pageSize"'),
    );
    expect(lists.length).toBeGreaterThanOrEqual(10);
    const found = new Map<string, string>();
    const seen = new Set<string>();
    for (const list of lists) {
      for (const query of queriesOf(list)) {
        const parsed = list.route.query.parse(Object.fromEntries(new URLSearchParams(query)));
        const url = `${list.route.path}?${query}`;
        for (const [name, caller] of Object.entries(callers)) {
          asked.length = 0;
          const request = {
            params: { id: article.id },
            query: parsed,
            url,
            caller,
            minPosition: null,
            waitMs: 0,
          };
          const ask = async () => list.handler({ ...request, ifNoneMatch: [] } as never);
          await ask().catch(() => undefined);
          for (const one of asked) {
            const shape = one.isQuick ? one.text : JSON.stringify(one);
            if (seen.has(shape)) continue;
            seen.add(shape);
            for (const table of await wholeTables(one, big)) found.set(`${url} as ${name}`, table);
          }
        }
      }
    }
    expect(Object.fromEntries(found)).toEqual({});
  });
});

const bulk = (n: number) => `bulk-${String(n).padStart(6, '0')}`;

describe('P5 a search that matches very many', () => {
  const list = async (path: string) => (await side.fresh(path)).body;

  test('lists titles first, then contents, the newest first; its count is capped', async () => {
    const body = await list('/v1/articles?search=common&pageSize=3');
    expect(body).toMatchObject({ count: 10_000, countIsCapped: true });
    expect(ids({ body })).toEqual([bulk(ROWS), bulk(ROWS - 1), bulk(ROWS - 2)]);
    expect(body.results[0].highlights).toEqual({
      title: `<mark>common</mark> rarely title ${ROWS}`,
      content: 'Some <mark>common</mark> words of text number',
    });
  });

  test('is walked in one order while more come: nothing is repeated, nothing left out', async () => {
    const seen: string[] = [];
    let next: string | null = '/v1/articles?search=common&cursor=start&pageSize=100';
    for (let page = 0; next !== null && page < 5; page++) {
      const body: { results: { id: string }[]; next: string | null } = await list(next);
      seen.push(...ids({ body }));
      next = body.next;
      const more = new Article({ author: ada, title: `Common more ${page}` });
      await side.append(more.created(), more.published());
    }
    const expected = Array.from({ length: 500 }, (_, n) => bulk(ROWS - n));
    expect(seen).toEqual(expected);
  });

  test('of few is ranked, walked in that order while it comes to match very many', async () => {
    const start = await list('/v1/articles?search=rarely&cursor=start&pageSize=100');
    expect(start.results).toHaveLength(100);
    await side.pool.query(
      `update views.${views.articleSearch.name} set document = document || to_tsvector('views.annals_text', 'rarely')
       where key < 'bulk-006000'`,
    );
    const onward = await list(start.next);
    expect(onward.results).toHaveLength(100);
    expect(ids({ body: onward }).filter((id) => ids({ body: start }).includes(id))).toEqual([]);
  });
});
