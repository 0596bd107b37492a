/** From a command to a query that shows it, and to the sockets that follow it, on the whole local stack. */
import { type BenchContext, defineBench, type Row, tellingRow } from '../kit/bench.ts';
import { startHttpLoad } from '../kit/http-load.ts';
import { type Community, commentRequests, createCommunity } from '../write/community.ts';
import {
  type Latencies,
  type LatencyPlan,
  measureLatencies,
  type Percentiles,
  startLatencyLoad,
} from './latencies.ts';
import { startBenchStack } from './stack.ts';

const PEOPLE = 16;
const RATE = 1_000;
const GOAL_MS = 30;

export const latency = defineBench({
  name: 'latency',
  about: 'command to a query that shows it and to a socket, at 1,000 commands/s on the whole stack',
  async run(context) {
    const stack = await startBenchStack(context);
    const community = await createCommunity(stack.url, PEOPLE);
    const services: Urls = {
      commandUrl: stack.mainUrl('command-api'),
      queryUrl: stack.mainUrl('query-api'),
      pushUrl: stack.mainUrl('notifier'),
    };
    const gateway: Urls = { commandUrl: stack.url, queryUrl: stack.url, pushUrl: stack.url };
    return [
      ...(await measure(context, { community, way: 'at the services', urls: services })),
      ...(await measure(context, { community, way: 'through the gateway', urls: gateway })),
    ];
  },
});

type Urls = Pick<LatencyPlan, 'commandUrl' | 'queryUrl' | 'pushUrl'>;

interface Way {
  readonly community: Community;
  readonly way: string;
  readonly urls: Urls;
}

async function measure(context: BenchContext, { community, way, urls }: Way): Promise<Row[]> {
  const load = startLatencyLoad();
  context.onEnd(() => load.stop());
  const at = (rate: number, ms: number): Promise<Latencies> => {
    context.say(`${way}: ${rate} commands/s`);
    return measureLatencies(load, { ...urls, ...community, rate, ms, everyNth: 10 });
  };
  // Six processes come to their speed.
  await at(RATE / 2, context.pick(300, 10_000));
  const rates = context.pick([RATE / 10], [RATE / 2, RATE]);
  const rows: Row[] = [];
  for (const rate of rates) rows.push(...rowsOf(way, rate, await at(rate, context.pick(500, 8_000))));
  await load.stop();
  return [...rows, await saturation(context, { community, way, urls })];
}

/** Only the goal's own rate is held to the goal. */
function rowsOf(way: string, rate: number, latencies: Latencies): Row[] {
  const rowOf = (what: string, { p50, p99 }: Percentiles): Row => ({
    what: `command → ${what}, ${rate} commands/s ${way}`,
    against: '–',
    measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (${latencies.perSecond.toFixed(0)}/s answered)`,
    ratio: null,
    goal: rate === RATE ? `p99 < ${GOAL_MS} ms` : '–',
    isMet: rate === RATE ? p99 < GOAL_MS : null,
  });
  const { answered, visible, pushed } = latencies;
  return [
    { ...rowOf('its answer', answered), goal: '–', isMet: null },
    rowOf('visible to a query', visible),
    rowOf('socket', pushed),
  ];
}

/** As many commands as the stack answers while it also projects and pushes them, all of it on this machine. */
async function saturation(context: BenchContext, { community, way, urls }: Way): Promise<Row> {
  context.say(`${way}: as many commands as it answers`);
  const load = startHttpLoad();
  const requests = commentRequests(community);
  const plan = { url: urls.commandUrl, connections: 64, ms: context.pick(500, 5_000), rate: null, requests };
  const { perSecond } = await load.run(plan, 201);
  await load.stop();
  return tellingRow({
    what: `commands/s at most, ${way}`,
    against: '–',
    measured: `${perSecond.toFixed(0)}/s`,
  });
}
