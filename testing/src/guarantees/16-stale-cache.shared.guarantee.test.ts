import { afterAll, it } from 'vitest';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { expectOneOwnerEach } from './owned-names.ts';
import { report } from './report.ts';
import { startWalk, type Walk } from './walk.ts';

const NUMBER = 16;
const WALKERS = counts(4, 12);
const STEPS = counts(120, 1_200);

const stack = sharedStack();

afterAll(() => stack.stop());

/** Each step goes to the other replica than the one before or, now and then, to the same. */
async function walk(): Promise<Walk> {
  const urls = [stack.mainUrl('command-api', 1), stack.mainUrl('command-api', 2)];
  const own = await startWalk(stack);
  let at = 0;
  for (let step = 0; step < STEPS; step++) {
    if (Math.random() < 0.8) at = 1 - at;
    await own.step(urls[at] ?? stack.url);
  }
  return own;
}

it('a stale cache never answers', async () => {
  const walks = await Promise.all(Array.from({ length: WALKERS }, walk));
  for (const own of walks) await own.expectInLog(stack);
  await expectOneOwnerEach(stack);
  const outcomes = Map.groupBy(
    walks.flatMap(({ outcomes }) => outcomes),
    (outcome) => outcome,
  );
  report(NUMBER, {
    walkers: WALKERS,
    steps: WALKERS * STEPS,
    ...Object.fromEntries([...outcomes].map(([outcome, all]) => [outcome, all.length])),
  });
});
