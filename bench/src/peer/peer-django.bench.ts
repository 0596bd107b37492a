/** Articles over HTTP against the same on Django REST framework, tuned as its documentation says. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchContext, defineBench, type Row, ratioRow, tellingRow } from '../kit/bench.ts';
import { type LoadRequest, startHttpLoad } from '../kit/http-load.ts';
import { withClient } from '../kit/postgres.ts';
import { interleaved, type Measurements, perSecond } from '../kit/rounds.ts';
import { startBenchStack } from '../latency/stack.ts';
import { type Corpus, readCorpus } from '../publication/corpus.ts';
import { fillPublication, type PublicationShape } from '../publication/log.ts';
import { headersOf, reads, SEARCHES, spread } from '../publication/reading.ts';
import { settled } from '../publication/settled.ts';
import { articleId } from '../read/log-data.ts';
import { articleRequests, createCommunity } from '../write/community.ts';
import { findPython, requirementsFile, startDjango } from './django.ts';
import { fillDjango } from './django-data.ts';
import { createLikes } from './likes.ts';

const CONNECTIONS = 64;
const READERS = 16;
const PIECES = 3_000;
const DETAILS = 256;
const CACHE_SECONDS = 60;
const against = 'Django REST framework, the same articles';
const goals = {
  list: 60,
  detail: 60,
  'list, without token': 60,
  'detail, without token': 60,
  search: null,
  create: 30,
  like: 30,
} as const;
type Work = keyof typeof goals;
const CACHED = ['list, without token', 'detail, without token'] as const;

/** One of those compared: what it is asked to do. */
type Side = Readonly<Record<Work, { readonly url: string; readonly requests: () => readonly LoadRequest[] }>>;

export const peerDjango = defineBench({
  name: 'peer-django',
  about:
    'list, detail, search, create and like over HTTP, against Django REST framework; left out without Python',
  async run(context) {
    const python = await findPython();
    if (python === null)
      return [
        tellingRow({ what: 'articles over HTTP', against, measured: 'left out: no Python 3.10 or newer' }),
      ];
    const shape = { articles: context.pick(200, 10_000), likes: 5, comments: 3 };
    context.say('reading the corpus');
    const corpus = await readCorpus(context.pick(300, PIECES));
    const ours = await openAnnals(context, corpus, shape);
    const { peer, cached } = await openDjango(context, corpus, shape);
    const load = startHttpLoad();
    context.onEnd(() => load.stop());
    const sent = (side: Side, work: Work) => async (ms: number) => {
      const { url, requests } = side[work];
      const plan = { url, connections: CONNECTIONS, ms, rate: null, requests: requests() };
      const { perSecond: rate } = await load.run(plan, work === 'create' ? 201 : 200);
      // What was under way at the end is still worked on, and must not be the next one's burden.
      await sleep((1_000 * CONNECTIONS) / rate);
      return rate;
    };
    const works = Object.keys(goals) as Work[];
    const figures = await interleaved(
      [
        ...works.flatMap((work) => [
          { name: work, run: sent(ours, work) },
          { name: `peer ${work}`, run: sent(peer, work) },
        ]),
        ...CACHED.map((work) => ({ name: `cached ${work}`, run: sent(cached, work) })),
      ],
      {
        rounds: context.pick(1, 3),
        warmUpMs: context.pick(300, 4_000),
        runMs: context.pick(500, 1_500),
        say: context.say,
      },
    );
    return [...works.map((work) => rowOf(figures, work)), ...cachedRows(figures), await versionsRow(python)];
  },
});

const whatOf = (work: Work) => `${work}, ${CONNECTIONS} connections`;

function rowOf(figures: Measurements, work: Work): Row {
  const row = {
    what: whatOf(work),
    against,
    measured: `${perSecond(figures.of(work))} vs ${perSecond(figures.of(`peer ${work}`))}`,
  };
  const ratio = figures.ratio(work, `peer ${work}`).median;
  const goal = goals[work];
  return goal === null ? tellingRow(row, ratio) : ratioRow(row, ratio, goal);
}

/** Django's cache is by the clock: what it shows may be that old. */
function cachedRows(figures: Measurements): Row[] {
  return CACHED.map((work) =>
    tellingRow(
      {
        what: whatOf(work),
        against: `the same under cache_page, up to ${CACHE_SECONDS} s old`,
        measured: `${perSecond(figures.of(work))} vs ${perSecond(figures.of(`cached ${work}`))}`,
      },
      figures.ratio(work, `cached ${work}`).median,
    ),
  );
}

async function versionsRow(python: string): Promise<Row> {
  const told = ['Django', 'djangorestframework', 'gunicorn', 'psycopg'];
  const lines = (await readFile(requirementsFile, 'utf8')).split('\n').map((line) => line.split('=='));
  const versions = lines.filter(([name = '']) => told.includes(name)).map((line) => line.join(' '));
  return tellingRow({
    what: 'the peer',
    against: '–',
    measured: [`Python ${python}`, ...versions].join(', '),
  });
}

/** The whole stack, its log filled and folded; asked at the services, as gunicorn is. */
async function openAnnals(context: BenchContext, corpus: Corpus, shape: PublicationShape): Promise<Side> {
  const stack = await startBenchStack(context);
  await withClient(stack.databaseUrl, (client) => fillPublication(client, corpus, shape, context.say));
  const [commands, queries] = [stack.mainUrl('command-api'), stack.mainUrl('query-api')];
  const { tokens } = await createCommunity(commands, READERS);
  await settled(stack, context.say);
  return sideOf({ commands, queries, tokens, shape, idOf: articleId });
}

/** Two of the peer on one database, one of them with Django's cache. */
async function openDjango(
  context: BenchContext,
  corpus: Corpus,
  shape: PublicationShape,
): Promise<{ readonly peer: Side; readonly cached: Side }> {
  const server = await context.postgres();
  const databaseUrl = await server.database();
  context.say('starting Django');
  const peer = await startDjango(databaseUrl);
  context.onEnd(() => peer.stop());
  context.say('filling its tables');
  await withClient(databaseUrl, (client) => fillDjango(client, corpus, shape));
  const cached = await startDjango(databaseUrl, CACHE_SECONDS);
  context.onEnd(() => cached.stop());
  const { tokens } = await createCommunity(peer.url, READERS);
  const side = (url: string) => sideOf({ commands: url, queries: url, tokens, shape, idOf: String });
  return { peer: side(peer.url), cached: side(cached.url) };
}

interface SideOptions {
  readonly commands: string;
  readonly queries: string;
  readonly tokens: readonly string[];
  readonly shape: PublicationShape;
  readonly idOf: (number: number) => string;
}

function sideOf({ commands, queries, tokens, shape, idOf }: SideOptions): Side {
  const pathOf = (number: number) => `/v1/articles/${idOf(number)}`;
  const details = spread(shape.articles, DETAILS).map(pathOf);
  const searches = SEARCHES.map((text) => `/v1/articles?search=${encodeURIComponent(text)}`);
  const always = (url: string, requests: readonly LoadRequest[]) => ({ url, requests: () => requests });
  return {
    list: always(queries, reads(tokens, ['/v1/articles'])),
    detail: always(queries, reads(tokens, details)),
    'list, without token': always(queries, reads([], ['/v1/articles'])),
    'detail, without token': always(queries, reads([], details)),
    search: always(queries, reads(tokens, searches)),
    create: always(commands, articleRequests({ tokens, articleIds: [] })),
    like: {
      url: commands,
      requests: createLikes(
        tokens.map(headersOf),
        Array.from({ length: shape.articles }, (_, index) => `${pathOf(index + 1)}/like`),
      ),
    },
  };
}
