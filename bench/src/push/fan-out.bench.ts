/** Fan-out to many sockets: the notifier fed by the log, against a bare `ws` server that is told what to send. */
import { randomUUID } from 'node:crypto';
import { pushFrames } from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import { formatPosition } from '@annals/platform/event-store/position';
import { type BenchContext, defineBench, type Row, ratioRow } from '../kit/bench.ts';
import { type Child, startChild } from '../kit/child.ts';
import { interleaved, type Measurements, perSecond, summarise } from '../kit/rounds.ts';
import { startBare } from './bare.ts';
import type { LoopResult } from './closed-loop.ts';
import { type NotifierProcess, startNotifier } from './notifier.ts';
import type { Target } from './publisher.ts';

const BURST = 10;

export const fanOut = defineBench({
  name: 'fan-out',
  about: 'events to 1,000 and 5,000 sockets, singly and in bursts, against bare ws',
  async run(context) {
    const rows: Row[] = [];
    for (const size of context.pick([200], [1_000, 5_000])) rows.push(...(await measure(context, size)));
    return rows;
  },
});

async function measure(context: BenchContext, size: number): Promise<Row[]> {
  context.say(`${size} sockets connect`);
  const notifier = await startNotifier(context);
  const ours = await startOurs(context, size, notifier);
  const bare = await startRival(context, size, notifier.databaseUrl);
  const variants = [ours, bare].flatMap((side) =>
    [1, BURST].map((burst) => ({
      name: `${side.name} ${burst}`,
      run: (ms: number) => side.run(ms, burst),
    })),
  );
  const measured = await interleaved(variants, {
    rounds: context.pick(1, 5),
    warmUpMs: context.pick(200, 1_000),
    runMs: context.pick(300, 2_000),
    say: (text) => context.say(`${size} sockets: ${text}`),
  });
  await ours.stop();
  await bare.stop();
  return [
    ...rowsOf({ size, burst: 1, goal: 0.9, measured, ours, bare }),
    ...rowsOf({ size, burst: BURST, goal: 2, measured, ours, bare }),
  ];
}

/** A server with its subscribers. */
interface Side {
  readonly name: string;
  /** Deliveries a second. */
  run(ms: number, burst: number): Promise<number>;
  /** Microseconds of the server's processor time per delivery, run by run; the first is the warm-up. */
  readonly costs: Map<number, number[]>;
  stop(): Promise<void>;
}

interface SideOptions {
  readonly name: string;
  readonly server: Child;
  readonly port: number;
  readonly tokens: readonly string[];
  readonly target: Target;
}

async function startOurs(context: BenchContext, size: number, notifier: NotifierProcess): Promise<Side> {
  const { child: server, port, databaseUrl, tokens } = notifier;
  const target = { kind: 'log', databaseUrl } as const;
  return startSide(context, size, { name: 'notifier', server, port, tokens: await tokens(size), target });
}

async function startRival(context: BenchContext, size: number, databaseUrl: string): Promise<Side> {
  const { child: server, port, controlPort } = await startBare(context);
  const target = { kind: 'bare', databaseUrl, controlPort, line: sampleLine() } as const;
  return startSide(context, size, { name: 'bare ws', server, port, tokens: [], target });
}

async function startSide(context: BenchContext, count: number, options: SideOptions): Promise<Side> {
  const { name, server, port, tokens, target } = options;
  const load = startChild(new URL('./subscribers.child.ts', import.meta.url));
  context.onEnd(() => load.stop());
  await load.ask({ kind: 'connect', port, count, tokens });
  await load.ask({ kind: 'publisher', target });
  const cpu = async () => (await server.ask<{ seconds: number }>({ kind: 'cpu' })).seconds;
  const costs = new Map<number, number[]>();
  return {
    name,
    costs,
    async run(ms, burst) {
      const before = await cpu();
      const { deliveries, seconds } = await load.ask<LoopResult>({ kind: 'run', ms, burst });
      const cost = (((await cpu()) - before) * 1e6) / deliveries;
      costs.set(burst, [...(costs.get(burst) ?? []), cost]);
      return deliveries / seconds;
    },
    async stop() {
      await load.stop();
      await server.stop();
    },
  };
}

interface Comparison {
  readonly size: number;
  readonly burst: number;
  readonly goal: number;
  readonly measured: Measurements;
  readonly ours: Side;
  readonly bare: Side;
}

function rowsOf({ size, burst, goal, measured, ours, bare }: Comparison): Row[] {
  const [own, other] = [`${ours.name} ${burst}`, `${bare.name} ${burst}`];
  const what = `fan-out to ${size} sockets, ${burst === 1 ? 'singly' : `bursts of ${burst}`}`;
  const rates = `${perSecond(measured.of(own))} vs ${perSecond(measured.of(other))}`;
  const costsOf = (side: Side) => side.costs.get(burst)?.slice(1) ?? [];
  const [ownCosts, otherCosts] = [costsOf(ours), costsOf(bare)];
  const ratios = summarise(ownCosts.map((cost, round) => (otherCosts[round] ?? Number.NaN) / cost));
  const inMicroseconds = (costs: readonly number[]) => `${summarise(costs).median.toFixed(2)} µs`;
  return [
    ratioRow(
      { what, against: 'bare ws, one shared frame', measured: rates },
      measured.ratio(own, other).median,
      goal,
    ),
    ratioRow(
      {
        what: `${what}: processor time per delivery`,
        against: 'bare ws, one shared frame',
        measured: `${inMicroseconds(ownCosts)} vs ${inMicroseconds(otherCosts)}`,
      },
      ratios.median,
      goal,
    ),
  ];
}

/** A line as long as the notifier's. */
function sampleLine(): string {
  const [id, occurredAt] = [randomUUID(), new Date().toISOString()];
  const data = { articleId: id, authorId: id, publishedAt: occurredAt, tags: [] };
  const actor = { kind: 'user' as const, id };
  const metadata = { schemaVersion: 1, commandId: id, correlationId: id, causationId: id, actor, occurredAt };
  const position = formatPosition('abcdefgh', 1);
  const event = {
    id,
    type: 'ArticlePublished',
    stream: `article-${id}`,
    revision: 0,
    position,
    data,
    metadata,
  };
  return pushFrames(pushRules, event).find(({ channel }) => channel === 'articles')?.frame ?? '';
}
