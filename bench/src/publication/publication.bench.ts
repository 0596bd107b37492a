/** A publication of 100,000 articles: lists, searches, details, feeds and what trends, made anew and kept, against their limits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { followUser } from '@annals/contracts/identity/follow.routes';
import { type BenchContext, defineBench, type Row, ratioRow } from '../kit/bench.ts';
import { startChild } from '../kit/child.ts';
import { type HttpLoad, type LoadRequest, latencyRow, startHttpLoad } from '../kit/http-load.ts';
import { withClient } from '../kit/postgres.ts';
import { interleaved, type Measurements, perSecond } from '../kit/rounds.ts';
import { KEEPS_NOTHING, startService } from '../kit/service.ts';
import { startBenchStack } from '../latency/stack.ts';
import { articleId, personId } from '../read/log-data.ts';
import { createCommunity } from '../write/community.ts';
import type { BareAnswer, BareRoute } from './bare.child.ts';
import { readCorpus } from './corpus.ts';
import { fillPublication } from './log.ts';
import { headersOf, reads, SEARCHES, spread } from './reading.ts';
import { settled } from './settled.ts';
import { detailRoute, listRoute, searchRoute } from './statements.ts';

const CONNECTIONS = 64;
const READERS = 16;
const PIECES = 3_000;
const DETAILS = 256;
/** Authors whom each reader follows. */
const FOLLOWED = 20;
const MADE_GOAL = 0.8;
const KEPT_GOAL = 0.6;
const P99_MS = 25;

/** What is asked for, and the statement that gives the same rows. */
interface Reading {
  readonly path: string;
  readonly bare: BareRoute;
}

export const publication = defineBench({
  name: 'publication',
  about:
    '100,000 articles out of real Markdown: list, search, detail, feed, trending, made anew and kept, against bare servers',
  async run(context) {
    const articles = context.pick(300, 100_000);
    const { stack, authors } = await openPublication(context, articles);
    const keeping = stack.mainUrl('query-api');
    const { databaseUrl, address: beside } = stack;
    const making = await startService('query-api', { databaseUrl, beside, tuning: KEEPS_NOTHING });
    context.onEnd(() => making.stop());
    const { tokens } = await createCommunity(stack.mainUrl('command-api'), READERS);
    await follow(stack.mainUrl('command-api'), tokens, authors);
    await settled(stack, context.say);
    const readings = readingsOf(articles);
    const bareUrl = await startBare(context, {
      kind: 'statements',
      databaseUrl,
      routes: Object.values(readings)
        .flat()
        .map(({ bare }) => bare),
    });
    const bytesUrl = await startBare(context, {
      kind: 'bytes',
      answers: await answersTo(keeping, tokens, readings),
    });
    const load = startHttpLoad();
    context.onEnd(() => load.stop());
    const send = (at: string, requests: readonly LoadRequest[]) => async (ms: number) => {
      const plan = { url: at, connections: CONNECTIONS, ms, rate: null, requests };
      const { perSecond: rate } = await load.run(plan, 200);
      // What was under way at the end is still worked on, and must not be the next one's burden.
      await sleep((1_000 * CONNECTIONS) / rate);
      return rate;
    };
    const paths = (all: readonly Reading[]) => all.map(({ path }) => path);
    const figures = await interleaved(
      [
        ...Object.entries(readings).flatMap(([name, all]) => [
          { name, run: send(making.url, reads(tokens, paths(all))) },
          {
            name: `bare ${name}`,
            run: send(
              bareUrl,
              reads(
                tokens,
                all.map(({ bare }) => bare.path),
              ),
            ),
          },
        ]),
        ...Object.entries(OWN).map(([name, path]) => ({
          name,
          run: send(making.url, reads(tokens, [path])),
        })),
        ...KEPT.flatMap((name) => [
          { name: `kept ${name}`, run: send(keeping, reads(tokens, paths(readings[name]))) },
          { name: `bytes ${name}`, run: send(bytesUrl, reads(tokens, paths(readings[name]))) },
        ]),
      ],
      {
        rounds: context.pick(1, 3),
        warmUpMs: context.pick(300, 8_000),
        runMs: context.pick(500, 2_000),
        say: context.say,
      },
    );
    const late: Row[] = [];
    const asked = { ...mapValues(readings, paths), ...mapValues(OWN, (path) => [path]) };
    for (const [name, all] of Object.entries(asked))
      late.push(
        await atHalf(context, load, { name, url: making.url, requests: reads(tokens, all), figures }),
      );
    return [
      ...Object.keys(readings).map((name) => madeRow(figures, name, articles)),
      ...KEPT.map((name) => keptRow(figures, name)),
      ...late,
    ];
  },
});

const KEPT = ['list', 'detail'] as const;
/** What depends on the reader or the minute, and has no statement beside it. */
const OWN = { feed: '/v1/feed', trending: '/v1/trending' } as const;

function mapValues<Value, Result>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

function readingsOf(articles: number): Record<'list' | 'search' | 'detail', readonly Reading[]> {
  return {
    list: [{ path: '/v1/articles', bare: listRoute }],
    search: SEARCHES.map((text, number) => ({
      path: `/v1/articles?search=${encodeURIComponent(text)}`,
      bare: searchRoute(text, number),
    })),
    detail: spread(articles, DETAILS).map((number) => ({
      path: `/v1/articles/${articleId(number)}`,
      bare: detailRoute(number),
    })),
  };
}

/** Each reader follows authors of his own. */
async function follow(url: string, tokens: readonly string[], authors: number): Promise<void> {
  for (const [index, token] of tokens.entries()) {
    const followed = Array.from({ length: FOLLOWED }, (_, nth) => 1 + ((index * FOLLOWED + nth) % authors));
    for (const number of new Set(followed)) {
      const path = followUser.path.replace('{id}', personId(number));
      const answer = await fetch(`${url}${path}`, { method: followUser.method, headers: headersOf(token) });
      if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`);
    }
  }
}

/** The whole stack with a log of that many articles. */
async function openPublication(context: BenchContext, articles: number) {
  context.say('reading the corpus');
  const corpus = await readCorpus(context.pick(300, PIECES));
  const stack = await startBenchStack(context);
  await withClient(stack.databaseUrl, (client) =>
    fillPublication(client, corpus, { articles, likes: 1, comments: 1 }, context.say),
  );
  return { stack, authors: corpus.authors.length };
}

async function startBare(
  context: BenchContext,
  ask: { readonly kind: 'statements' | 'bytes' } & Readonly<Record<string, unknown>>,
): Promise<string> {
  const bare = startChild(new URL('./bare.child.ts', import.meta.url));
  context.onEnd(() => bare.stop());
  return (await bare.ask<{ url: string }>(ask)).url;
}

/** What one of the readers is answered, to be sent again byte for byte. */
async function answersTo(
  url: string,
  [token = '']: readonly string[],
  readings: Readonly<Record<(typeof KEPT)[number], readonly Reading[]>>,
): Promise<BareAnswer[]> {
  const all: BareAnswer[] = [];
  for (const { path } of KEPT.flatMap((name) => readings[name])) {
    const answer = await fetch(`${url}${path}`, { headers: headersOf(token) });
    const { connection: _, 'keep-alive': __, date: ___, ...headers } = Object.fromEntries(answer.headers);
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
    all.push({ url: path, body: await answer.text(), headers });
  }
  return all;
}

function madeRow(figures: Measurements, name: string, articles: number): Row {
  const row = {
    what: `${name} of ${articles} articles, made anew, ${CONNECTIONS} connections with tokens`,
    against: 'bare fastify + one prepared select of the same rows',
    measured: `${perSecond(figures.of(name))} vs ${perSecond(figures.of(`bare ${name}`))}`,
  };
  return ratioRow(row, figures.ratio(name, `bare ${name}`).median, MADE_GOAL);
}

function keptRow(figures: Measurements, name: string): Row {
  const row = {
    what: `${name}, kept, ${CONNECTIONS} connections with tokens`,
    against: 'bare node:http that sends the same bytes',
    measured: `${perSecond(figures.of(`kept ${name}`))} vs ${perSecond(figures.of(`bytes ${name}`))}`,
  };
  return ratioRow(row, figures.ratio(`kept ${name}`, `bytes ${name}`).median, KEPT_GOAL);
}

interface HalfLoad {
  readonly name: string;
  readonly url: string;
  readonly requests: readonly LoadRequest[];
  readonly figures: Measurements;
}

/** Evenly paced at half of what it serves at most; a latency counts from when its request was due. */
async function atHalf(context: BenchContext, load: HttpLoad, half: HalfLoad): Promise<Row> {
  const { name, url, requests, figures } = half;
  context.say(`${name} at half load`);
  const rate = figures.of(name).median / 2;
  const ms = context.pick(300, 3_000);
  const latencies = await load.latencies({ url, connections: CONNECTIONS, ms, rate, requests }, 200);
  return latencyRow(`${name} at half of that (${Math.round(rate)}/s)`, latencies, P99_MS);
}
