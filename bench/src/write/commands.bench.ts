/** Commands over HTTP against a bare server and against the log by itself. */
import { once } from 'node:events';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { defineBench, type Row, ratioRow, tellingRow } from '../kit/bench.ts';
import { startChild } from '../kit/child.ts';
import { type LoadRequest, latencyRow, startHttpLoad } from '../kit/http-load.ts';
import { interleaved, type Measurements, perSecond, type Summary, summarise } from '../kit/rounds.ts';
import { type BenchService, startService } from '../kit/service.ts';
import { probed } from '../push/probed.ts';
import { articleRequests, commentRequests, createCommunity } from './community.ts';
import { openRaw } from './ours.ts';

const CONNECTIONS = 64;
const PEOPLE = 16;
const HALF_LOAD_P99_MS = 20;

export const commands = defineBench({
  name: 'commands',
  about: 'create comment and create article over HTTP, 64 connections, against bare fastify and raw appends',
  async run(context) {
    const server = await context.postgres();
    const databaseUrl = await server.database();
    const api = await startService('command-api', { databaseUrl, execArgv: probed });
    context.onEnd(() => api.stop());
    const bare = startChild(new URL('./bare.child.ts', import.meta.url));
    context.onEnd(() => bare.stop());
    const askBare = () => bare.ask<{ url: string; seconds: number }>({ kind: 'state' });
    const { url: bareUrl } = await askBare();
    const load = startHttpLoad();
    context.onEnd(() => load.stop());
    const raw = await openRaw(databaseUrl);
    context.onEnd(() => raw.close());
    const community = await createCommunity(api.url, PEOPLE);

    const send = (url: string, requests: readonly LoadRequest[]) => async (ms: number) =>
      (await load.run({ url, connections: CONNECTIONS, ms, rate: null, requests }, 201)).perSecond;
    const comments = commentRequests(community);
    const articles = articleRequests(community);
    const eventsPerArticle = await countEvents(
      databaseUrl,
      send(api.url, articles),
      context.pick(500, 1_000),
    );
    const costs = createCosts();
    const ofBare = async () => (await askBare()).seconds;
    const ofApi = () => processorSeconds(api);
    const figures = await interleaved(
      [
        { name: 'bare', run: costs.taken('bare', ofBare, send(bareUrl, comments)) },
        { name: 'raw', run: (ms) => raw.rate(CONNECTIONS, ms) },
        { name: 'comment', run: costs.taken('comment', ofApi, send(api.url, comments)) },
        { name: 'article', run: costs.taken('article', ofApi, send(api.url, articles)) },
        { name: 'comment, keyed', run: send(api.url, commentRequests(community, true)) },
        { name: 'article, keyed', run: send(api.url, articleRequests(community, true)) },
      ],
      {
        rounds: context.pick(1, 5),
        warmUpMs: context.pick(300, 2_000),
        runMs: context.pick(500, 2_000),
        say: context.say,
      },
    );
    const atHalfLoad = async (name: string, requests: readonly LoadRequest[]): Promise<Row> => {
      context.say(`${name} at half load`);
      const rate = figures.of(name).median / 2;
      const ms = context.pick(300, 3_000);
      const plan = { url: api.url, connections: CONNECTIONS, ms, rate, requests };
      const what = `create ${name} at half load (${Math.round(rate)}/s)`;
      return latencyRow(what, await load.latencies(plan, 201), HALF_LOAD_P99_MS);
    };
    return [
      ...rowsOf(figures, eventsPerArticle),
      costRow('comment', costs),
      costRow('article', costs),
      await atHalfLoad('comment', comments),
      await atHalfLoad('article', articles),
    ];
  },
});

/** Events that one command appends, what is confirmed after the answer included. */
async function countEvents(
  databaseUrl: string,
  send: (ms: number) => Promise<number>,
  ms: number,
): Promise<number> {
  const store = await createPostgresEventStore({ url: databaseUrl, application: 'bench-count' });
  const eventsOf = (position: string) => Number.parseInt(position.split('.')[1] ?? '', 16);
  const before = eventsOf(await store.head());
  const rate = await send(ms);
  const after = eventsOf(await store.head());
  await store.close();
  return Math.round((after - before) / ((rate * ms) / 1_000));
}

async function processorSeconds({ process }: BenchService): Promise<number> {
  const answer = once(process, 'message');
  process.send({ kind: 'cpu' });
  const [{ seconds }] = (await answer) as [{ seconds: number }];
  return seconds;
}

/** Processor time per request, in microseconds: it tells more than rates where others work on the machine. */
function createCosts() {
  const each = new Map<string, number[]>();
  return {
    /** The same run; what a process takes for it is noted under `name`, the warm-up's excepted. */
    taken(name: string, seconds: () => Promise<number>, run: (ms: number) => Promise<number>) {
      return async (ms: number): Promise<number> => {
        const before = await seconds();
        const rate = await run(ms);
        const cost = ((await seconds()) - before) / ((rate * ms) / 1_000);
        const earlier = each.get(name);
        each.set(name, earlier ? [...earlier, cost * 1e6] : []);
        return rate;
      };
    },
    of: (name: string): Summary => summarise(each.get(name) ?? []),
  };
}

function costRow(name: string, costs: ReturnType<typeof createCosts>): Row {
  const [ours, bare] = [costs.of(name), costs.of('bare')];
  const told = ({ median, min, max }: Summary) =>
    `${median.toFixed(0)} µs [${min.toFixed(0)}..${max.toFixed(0)}]`;
  const row = {
    what: `create ${name}: processor time of the service`,
    against: 'that of a bare fastify POST',
    measured: `${told(ours)} vs ${told(bare)}`,
  };
  return tellingRow(row, bare.median / ours.median);
}

function rowsOf(figures: Measurements, eventsPerArticle: number): Row[] {
  const comment = (name: string, what: string) => ({
    row: {
      what: `${what}, ${CONNECTIONS} connections`,
      against: 'the smaller of a bare fastify POST and the raw append',
      measured: `${perSecond(figures.of(name))} vs ${perSecond(figures.of('bare'))}, ${perSecond(figures.of('raw'))}`,
    },
    ratio: figures.ratio(name, 'bare', 'raw').median,
  });
  const article = (name: string, what: string) => ({
    row: {
      what: `${what}, ${CONNECTIONS} connections`,
      against: `raw appends of ${eventsPerArticle} events in as many rounds`,
      measured: `${perSecond(figures.of(name))} vs ${perSecond(figures.of('raw'))} / ${eventsPerArticle}`,
    },
    ratio: figures.ratio(name, 'raw').median * eventsPerArticle,
  });
  const goal = ({ row, ratio }: ReturnType<typeof comment>) => ratioRow(row, ratio, 0.5);
  const told = ({ row, ratio }: ReturnType<typeof comment>) => tellingRow(row, ratio);
  return [
    goal(comment('comment', 'create comment')),
    goal(article('article', 'create article')),
    told(comment('comment, keyed', 'create comment with Idempotency-Key')),
    told(article('article, keyed', 'create article with Idempotency-Key')),
  ];
}
