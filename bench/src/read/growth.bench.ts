/** What appends, lists and replays cost as the log and the views grow. */
import { listArticles } from '@annals/contracts/publishing/article.routes';
import { connectionConfig } from '@annals/platform/postgres/pool';
import { profiles } from '@annals/projector/identity/profiles.projection';
import { articleCounters } from '@annals/projector/publishing/article-counters.projection';
import { articleList } from '@annals/projector/publishing/article-list.projection';
import { categories } from '@annals/projector/publishing/categories.projection';
import { encodeCursor } from '@annals/query-api/lists/cursor';
import { planList } from '@annals/query-api/lists/plan';
import { compile, type Statement } from '@annals/query-api/lists/sql';
import { visibleArticles } from '@annals/query-api/publishing/article-source';
import { settingsOfQuick } from '@annals/query-api/settings';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { type BenchContext, defineBench, type Row } from '../kit/bench.ts';
import { interleaved, type Measurements, perSecond, type Variant } from '../kit/rounds.ts';
import { multiplyViews } from './bulk.ts';
import { articleId, personId } from './log-data.ts';
import { fold, openReadSide, type ReadSide } from './views.ts';

/** Ten events of each article. */
type Sizes = readonly [number, number, number];
const FULL: Sizes = [10_000, 100_000, 1_000_000];
const QUICK: Sizes = [50, 100, 200];
/** Each has written more than a page of the smallest log; or as many as there are articles in it. */
const PEOPLE = 400;
const projections = [articleList, articleCounters, profiles, categories];
/** The articles whose events are replayed again, and appends in flight. */
const REPLAYED = { full: 2_000, quick: 20 };
const IN_FLIGHT = 64;
/** For the vacuum of a million articles. */
const MAINTENANCE_MS = 10 * 60_000;
/** Costs may rise by a fifth: rates may fall to this. */
const FLAT = 1 / 1.2;

interface Grown {
  readonly articles: number;
  readonly side: ReadSide;
  readonly client: pg.Client;
}

export const growth = defineBench({
  name: 'growth',
  about: 'append and replay at 1 M and 10 M events, lists at 10 k, 100 k and 1 M articles',
  async run(context) {
    const [one, ten, hundred] = context.pick(QUICK, FULL);
    const small = await grow(context, one);
    const medium = await grow(context, ten, small);
    const large = await grow(context, hundred, small);
    const grown = [small, medium, large];
    const replayed = context.pick(REPLAYED.quick, REPLAYED.full);
    const variants: Variant[] = [
      ...grown.flatMap((one) => listsOf(one)),
      ...[medium, large].flatMap((one) => [
        { name: `append ${one.articles}`, run: (ms: number) => appendRate(one.side, ms) },
        { name: `replay ${one.articles}`, run: () => replayRate(one, replayed) },
      ]),
    ];
    const figures = await interleaved(variants, {
      rounds: context.pick(1, 3),
      warmUpMs: context.pick(100, 1_000),
      runMs: context.pick(200, 1_500),
      say: context.say,
    });
    const events = (one: Grown) => `${one.articles * 10} events`;
    const articles = (one: Grown) => `${one.articles} articles`;
    return [
      flatRow(figures, 'append', large, medium, events),
      flatRow(figures, 'replay', large, medium, events),
      ...grown
        .slice(1)
        .flatMap((one) =>
          Object.keys(shapes).map((shape) => flatRow(figures, shape, one, grown[0] ?? one, articles)),
        ),
    ];
  },
});

function flatRow(
  figures: Measurements,
  name: string,
  large: Grown,
  small: Grown,
  sizeOf: (one: Grown) => string,
): Row {
  const [at, against] = [`${name} ${large.articles}`, `${name} ${small.articles}`];
  const ratio = figures.ratio(at, against).median;
  return {
    what: `${name} at ${sizeOf(large)}`,
    against: `at ${sizeOf(small)}`,
    measured: `${perSecond(figures.of(at))} vs ${perSecond(figures.of(against))}`,
    ratio,
    goal: 'cost flat within 20 %',
    isMet: ratio >= FLAT,
  };
}

/** The views of the smallest log are folded, those of the others are made of its. */
async function grow(context: BenchContext, articles: number, small?: Grown): Promise<Grown> {
  context.say(`${articles} articles: the log`);
  const people = Math.min(small?.articles ?? articles, PEOPLE);
  const side = await openReadSide(context, { people, articles, likes: 6, comments: 2 });
  context.say(`${articles} articles: the views`);
  if (small) await multiplyViews(small.side, side, projections, { from: small.articles, to: articles });
  else await fold(side, projections);
  // As one of query-api's shared connections.
  const client = new pg.Client(
    connectionConfig({
      url: side.url,
      application: 'bench-lists',
      settings: settingsOfQuick,
      statementTimeoutMs: MAINTENANCE_MS,
    }),
  );
  await client.connect();
  context.onEnd(() => client.end());
  await client.query('vacuum analyze');
  await client.query('checkpoint');
  return { articles, side, client };
}

const shapes: Readonly<Record<string, (articles: number) => Statement>> = {
  'list, first page': () => statementOf({}),
  'list, cursor deep inside': (articles) => {
    const at = Math.floor(articles / 2);
    const time = new Date(Date.UTC(2020, 0, 1) + at * 1_000)
      .toISOString()
      .replace('T', ' ')
      .replace('Z', '+00');
    const identity = identityOf({ cursor: 'start' });
    return statementOf({
      cursor: encodeCursor(identity, { direction: 'next', keys: [time, articleId(at)] }),
    });
  },
  'list, filtered by author': () => statementOf({ author: personId(7) }),
};

const anonymous = { userId: null, isStaff: false };

function planOf(query: Readonly<Record<string, string>>) {
  const request = listArticles.query?.parse(query);
  if (!request) throw new Error('the route has a query');
  return planList(listArticles.path, request, visibleArticles(anonymous, request));
}

const statementOf = (query: Readonly<Record<string, string>>) => compile(planOf(query).statement);
const identityOf = (query: Readonly<Record<string, string>>) => planOf(query).identity;

/** Each list by itself, one after the other on one connection, once its plan is known to use indexes alone. */
function listsOf({ articles, client }: Grown): Variant[] {
  return Object.entries(shapes).map(([name, shape], index) => {
    const statement = { name: `list_${index}`, ...shape(articles) };
    let isChecked = false;
    return {
      name: `${name} ${articles}`,
      run: async (ms) => {
        if (!isChecked) await checkPlan(client, statement);
        isChecked = true;
        const end = performance.now() + ms;
        let count = 0;
        for (; performance.now() < end; count++) await client.query(statement);
        return (count / ms) * 1_000;
      },
    };
  });
}

/** Throws where articles are scanned or sorted. Small tables are scanned for good reason. */
async function checkPlan(client: pg.Client, { text, values }: Statement): Promise<void> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  const size = await client.query<{ count: number }>('select count(*)::integer from views.article_list_v4');
  if ((size.rows[0]?.count ?? 0) >= 10_000 && /Seq Scan on article_list|Sort/.test(plan)) {
    throw new Error(`the list is not served by an index:\n${plan}`);
  }
}

/** Appends of one comment each to streams of their own. */
async function appendRate({ events }: ReadSide, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  const one = async (): Promise<void> => {
    for (; performance.now() < end; count++) {
      const id = uuidv7();
      const data = { commentId: id, articleId: id, authorId: id, parentId: null, content: 'A fine engine.' };
      const metadata = { schemaVersion: 1, commandId: id, correlationId: id, causationId: id };
      await events.append(`remark-${id}`, [{ id, type: 'Remarked', data, metadata }], 'none');
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return (count / ms) * 1_000;
}

/** Folds what happened to the newest articles once more. */
async function replayRate({ side, articles }: Grown, replayed: number): Promise<number> {
  const { rows } = await side.pool.query<{ from: string; until: string }>(
    `select log.id || '.' || lpad(to_hex($2::bigint), 16, '0') as until, (
       select log.id || '.' || lpad(to_hex(position), 16, '0') from event_store.events where stream = $1 and revision = 0
     ) as from from event_store.log`,
    [`article-${articleId(articles - replayed)}`, side.count],
  );
  const [positions] = rows;
  if (!positions) throw new Error('there is no such article');
  const took = await fold(side, [articleList], positions);
  return ((replayed * 10) / took) * 1_000;
}
