/** Which orders of concurrent operations explain their answers. */
import { type Call, type World, worldsAfter } from './model.ts';

/** The worlds that `calls`, made at once in one of `worlds`, may have led to; none: no order explains their answers. */
export function linearise(worlds: readonly World[], calls: readonly Call[]): World[] {
  const found = new Map<string, World>();
  for (const world of worlds) {
    for (const last of ends(world, calls, calls.length > 1)) found.set(keyOf(last), last);
  }
  return [...found.values()];
}

function ends(world: World, calls: readonly Call[], isContended: boolean): World[] {
  if (calls.length === 0) return [world];
  return calls.flatMap((call, at) => {
    // Under contention a command may give up without having done anything.
    const hasGivenUp = isContended && call.answer.code === 'concurrent-changes';
    const nexts = hasGivenUp ? [world] : worldsAfter(world, call);
    return nexts.flatMap((next) => ends(next, calls.toSpliced(at, 1), isContended));
  });
}

/** Equal for equal worlds, whatever the order in which they came to be. */
function keyOf(world: World): string {
  const sorted = (record: object) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    sorted(world.articles),
    world.likes,
    sorted(world.comments),
    world.profiles,
    world.taken,
  ]);
}
