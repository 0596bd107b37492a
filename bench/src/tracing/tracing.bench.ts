/** What tracing every request costs: the same stack with a collector and without, by turns. */
import { getComment } from '@annals/contracts/publishing/comment.routes';
import { type BenchContext, defineBench, type Row, ratioRow, tellingRow } from '../kit/bench.ts';
import { startChild } from '../kit/child.ts';
import { type LoadRequest, startHttpLoad } from '../kit/http-load.ts';
import { interleaved, perSecond } from '../kit/rounds.ts';
import { startBenchStack } from '../latency/stack.ts';
import { type Community, commentRequests, createCommunity } from '../write/community.ts';

const CONNECTIONS = 64;
const PEOPLE = 8;
const GOAL = 0.8;

export const tracing = defineBench({
  name: 'tracing',
  about: 'commands and queries with every request traced to a collector, against the same without tracing',
  async run(context) {
    const collector = startChild(new URL('./collector.child.ts', import.meta.url));
    context.onEnd(() => collector.stop());
    const { url: otlpEndpoint } = await collector.ask<{ url: string }>({ kind: 'url' });
    const load = startHttpLoad();
    context.onEnd(() => load.stop());
    const traced = await startStack(context, { ANNALS_OTLP_ENDPOINT: otlpEndpoint });
    const plain = await startStack(context, {});
    const variants = [
      {
        name: 'commands, traced',
        url: traced.commandUrl,
        requests: commentRequests(traced.community),
        status: 201,
      },
      { name: 'commands', url: plain.commandUrl, requests: commentRequests(plain.community), status: 201 },
      { name: 'queries, traced', url: traced.queryUrl, requests: traced.reads, status: 200 },
      { name: 'queries', url: plain.queryUrl, requests: plain.reads, status: 200 },
    ].map(({ name, url, requests, status }) => ({
      name,
      run: async (ms: number) =>
        (await load.run({ url, connections: CONNECTIONS, ms, rate: null, requests }, status)).perSecond,
    }));
    const measured = await interleaved(variants, {
      rounds: context.pick(1, 5),
      warmUpMs: context.pick(300, 2_000),
      runMs: context.pick(500, 2_000),
      say: context.say,
    });
    const rows = ['commands', 'queries'].map((what): Row => {
      const [on, off] = [measured.of(`${what}, traced`), measured.of(what)];
      const told = {
        what: `${what} with every request traced`,
        against: 'not traced',
        measured: `${perSecond(on)} vs ${perSecond(off)}`,
      };
      return ratioRow(told, measured.ratio(`${what}, traced`, what).median, GOAL);
    });
    const { requests, bytes } = await collector.ask<{ requests: number; bytes: number }>({
      kind: 'received',
    });
    const received = `${requests} requests, ${(bytes / 1e6).toFixed(1)} MB`;
    return [...rows, tellingRow({ what: 'what the collector received', against: '–', measured: received })];
  },
});

/** A whole stack: what the commands cost the services behind them counts as well. */
interface Traceable {
  readonly commandUrl: string;
  readonly queryUrl: string;
  readonly community: Community;
  /** Of single comments. */
  readonly reads: readonly LoadRequest[];
}

async function startStack(
  context: BenchContext,
  tuning: Readonly<Record<string, string>>,
): Promise<Traceable> {
  const stack = await startBenchStack(context, tuning);
  const [commandUrl, queryUrl] = [stack.mainUrl('command-api'), stack.mainUrl('query-api')];
  const community = await createCommunity(commandUrl, PEOPLE);
  return { commandUrl, queryUrl, community, reads: await readsOf(commandUrl, queryUrl, community) };
}

/** One comment by each, read once so that it is known to be there. */
async function readsOf(commandUrl: string, queryUrl: string, community: Community): Promise<LoadRequest[]> {
  const reads = commentRequests(community).map(
    async ({ method, path, headers, body }): Promise<LoadRequest> => {
      const type = { 'content-type': 'application/json' };
      const written = await fetch(`${commandUrl}${path}`, {
        method,
        headers: { ...headers, ...type },
        body: JSON.stringify(body),
      });
      const { id } = (await written.json()) as { id: string };
      const read = { method: 'GET', path: getComment.path.replace('{id}', id), headers: {} };
      const position = written.headers.get('annals-position') ?? '';
      const shown = await fetch(`${queryUrl}${read.path}`, {
        headers: { 'annals-min-position': position, prefer: 'wait=10' },
      });
      if (!shown.ok) throw new Error(`a comment was answered ${shown.status}`);
      return read;
    },
  );
  return Promise.all(reads);
}
