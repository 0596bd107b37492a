/** What a socket that follows a channel and is otherwise idle costs in memory, beyond what it costs a bare `ws` server. */
import { type BenchContext, defineBench, type Row } from '../kit/bench.ts';
import { type Child, startChild } from '../kit/child.ts';
import { startBare } from './bare.ts';
import { startNotifier } from './notifier.ts';

const GOAL_KB = 15;

export const idleSockets = defineBench({
  name: 'idle-sockets',
  about: 'memory per idle socket, authenticated and subscribed, against bare ws',
  async run(context) {
    const [first, more] = context.pick([100, 200] as const, [1_000, 5_000] as const);
    const bare = await startBare(context);
    const other = await slope(context, bare, [first, more], () => Promise.resolve([]));
    const notifier = await startNotifier(context);
    const own = await slope(context, notifier, [first, more], notifier.tokens);
    const row: Row = {
      what: `memory per idle socket, from ${first} to ${first + more} of them`,
      against: 'bare ws',
      measured: `${own.toFixed(1)} KB vs ${other.toFixed(1)} KB: ${(own - other).toFixed(1)} KB beyond`,
      ratio: null,
      goal: `≤ ${GOAL_KB} KB beyond`,
      isMet: own - other <= GOAL_KB,
    };
    return [row];
  },
});

/** KB (1,000 bytes) of resident memory that each further socket adds. */
async function slope(
  context: BenchContext,
  { child, port }: { readonly child: Child; readonly port: number },
  [first, more]: readonly [number, number],
  tokensFor: (count: number) => Promise<readonly string[]>,
): Promise<number> {
  const load = startChild(new URL('./subscribers.child.ts', import.meta.url));
  context.onEnd(() => load.stop());
  const residentWith = async (count: number): Promise<number> => {
    context.say(`${count} more sockets at port ${port}`);
    await load.ask({ kind: 'connect', port, count, tokens: await tokensFor(count) });
    return (await child.ask<{ bytes: number }>({ kind: 'memory' })).bytes;
  };
  const before = await residentWith(first);
  const after = await residentWith(more);
  await load.stop();
  return (after - before) / more / 1_000;
}
