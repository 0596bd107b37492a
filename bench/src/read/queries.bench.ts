/**
 * Queries over HTTP of the real query-api: uncached against a bare server with one statement for the same rows, kept answers against
 * a bare server with the same bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { getArticle, listArticles } from '@annals/contracts/publishing/article.routes';
import { startTestStack, type TestStack } from '@annals/testing/stack';
import { type BenchContext, defineBench, ratioRow, tellingRow } from '../kit/bench.ts';
import { startChild } from '../kit/child.ts';
import { startHttpLoad } from '../kit/http-load.ts';
import { productionLike, withClient } from '../kit/postgres.ts';
import { interleaved, type Measurements, perSecond } from '../kit/rounds.ts';
import { KEEPS_NOTHING, startService, UNREACHED } from '../kit/service.ts';
import { createCommunity } from '../write/community.ts';
import { articleId, fillLog } from './log-data.ts';

const CONNECTIONS = 64;
const READERS = 16;

export const queries = defineBench({
  name: 'queries',
  about:
    'list of 20 and detail by id over HTTP, 64 connections, against bare fastify and one prepared select; kept, against node:http',
  async run(context) {
    const stack = await startTestStack({
      isDurable: true,
      postgresSettings: productionLike,
      tuning: UNREACHED,
    });
    context.onEnd(() => stack.stop());
    // Before anyone has a token: what the log holds later would be read between the two.
    const shape = { people: 500, articles: context.pick(200, 10_000), likes: 5, comments: 3 };
    await withClient(stack.databaseUrl, (client) => fillLog(client, shape));
    const { tokens } = await createCommunity(stack.url, READERS);
    const id = articleId(shape.articles / 2);
    const people = await settled(stack, id);
    const pooled = await startBare(context, stack, false);
    const pipelined = await startBare(context, stack, true);
    const load = startHttpLoad();
    context.onEnd(() => load.stop());
    const get = (url: string, path: string) => async (ms: number) => {
      const requests = tokens.map((token) => ({
        method: 'GET',
        path,
        headers: { authorization: `Bearer ${token}` },
      }));
      return (await load.run({ url, connections: CONNECTIONS, ms, rate: null, requests }, 200)).perSecond;
    };
    const keeping = stack.mainUrl('query-api');
    const { databaseUrl, address: beside } = stack;
    const making = await startService('query-api', { databaseUrl, beside, tuning: KEEPS_NOTHING });
    context.onEnd(() => making.stop());
    const detailPath = getArticle.path.replace('{idOrSlug}', id);
    const bytesOf = async (path: string) =>
      startBytes(context, await (await fetch(`${keeping}${path}`)).text());
    const detail = `/detail?id=${id}&people=${people.join(',')}`;
    const figures = await interleaved(
      [
        { name: 'list', run: get(making.url, listArticles.path) },
        { name: 'bare list', run: get(pooled, '/list') },
        { name: 'pipelined list', run: get(pipelined, '/list') },
        { name: 'detail', run: get(making.url, detailPath) },
        { name: 'bare detail', run: get(pooled, detail) },
        { name: 'pipelined detail', run: get(pipelined, detail) },
        { name: 'kept list', run: get(keeping, listArticles.path) },
        { name: 'bytes of the list', run: get(await bytesOf(listArticles.path), '/') },
        { name: 'kept detail', run: get(keeping, detailPath) },
        { name: 'bytes of the detail', run: get(await bytesOf(detailPath), '/') },
      ],
      {
        rounds: context.pick(1, 5),
        warmUpMs: context.pick(300, 5_000),
        runMs: context.pick(500, 2_000),
        say: context.say,
      },
    );
    return [
      ...rowsOf(figures, 'list', 'list of 20'),
      ...rowsOf(figures, 'detail', 'detail by id'),
      keptRow(figures, 'list', 'list of 20'),
      keptRow(figures, 'detail', 'detail by id'),
    ];
  },
});

function rowsOf(figures: Measurements, name: string, what: string) {
  const row = (other: string, how: string) => ({
    what: `${what}, uncached, ${CONNECTIONS} connections`,
    against: `bare fastify + one prepared select of the same rows, ${how}`,
    measured: `${perSecond(figures.of(name))} vs ${perSecond(figures.of(other))}`,
  });
  const [bare, pipelined] = [`bare ${name}`, `pipelined ${name}`];
  return [
    ratioRow(row(bare, 'pool of 10'), figures.ratio(name, bare).median, 0.8),
    tellingRow(row(pipelined, 'one pipelined connection'), figures.ratio(name, pipelined).median),
  ];
}

function keptRow(figures: Measurements, name: string, what: string) {
  const [kept, bytes] = [`kept ${name}`, `bytes of the ${name}`];
  const row = {
    what: `${what}, kept, ${CONNECTIONS} connections, each reader with a token`,
    against: 'bare node:http with the same bytes',
    measured: `${perSecond(figures.of(kept))} vs ${perSecond(figures.of(bytes))}`,
  };
  return ratioRow(row, figures.ratio(kept, bytes).median, 0.6);
}

/** Waits until the views are at the head of the log; gives the people in the article. */
async function settled(stack: TestStack, id: string): Promise<string[]> {
  const head = await withClient(stack.databaseUrl, async (client) => {
    const { rows } = await client.query<{ head: string }>(
      `select id || '.' || lpad(to_hex(head), 16, '0') as head from event_store.log`,
    );
    return rows[0]?.head ?? '';
  });
  const headers = { 'annals-min-position': head, prefer: 'wait=10' };
  for (const path of ['/v1/articles', `/v1/articles/${id}`]) {
    for (;;) {
      const answer = await fetch(`${stack.mainUrl('query-api')}${path}`, { headers });
      const body = (await answer.json()) as {
        author?: { id: string };
        comments?: { author: { id: string } }[];
      };
      if (answer.ok && body.author)
        return [
          ...new Set(
            [body.author, ...(body.comments ?? []).map(({ author }) => author)].map((one) => one.id),
          ),
        ];
      if (answer.ok) break;
      await sleep(100);
    }
  }
  throw new Error('there is no such article');
}

async function startBare(context: BenchContext, stack: TestStack, isPipelined: boolean): Promise<string> {
  const bare = startChild(new URL('./bare.child.ts', import.meta.url));
  context.onEnd(() => bare.stop());
  const { databaseUrl } = stack;
  return (await bare.ask<{ url: string }>({ kind: 'start', databaseUrl, isPipelined })).url;
}

async function startBytes(context: BenchContext, body: string): Promise<string> {
  const child = startChild(new URL('./bytes.child.ts', import.meta.url));
  context.onEnd(() => child.stop());
  return (await child.ask<{ url: string }>({ kind: 'start', body })).url;
}
