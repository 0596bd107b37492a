import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import { viewName } from '@annals/platform/consumer/projection';
import { projections } from '@annals/projector/projections';
import { afterAll, expect, it } from 'vitest';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { startLoad } from './load.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { crashesByPoint, report } from './report.ts';
import { shuffled } from './shuffled.ts';

const NUMBER = 2;
const KILLS = counts(6, 100);
const POINTS: readonly ConsumerFaultPoint[] = ['read', 'written', 'committed'];

const stack = sharedStack();

afterAll(() => stack.stop());

/** Every point of every view, in random order, again and again. */
function* places(): Generator<{ point: ConsumerFaultPoint; view: string }> {
  const all = POINTS.flatMap((point) =>
    projections.map((projection) => ({ point, view: viewName(projection) })),
  );
  for (;;) yield* shuffled(all);
}

it('a projection killed at any point of a batch ends byte-identical to a rebuild', async () => {
  const load = await startLoad({ baseUrl: stack.url, writers: 4 });
  for (const { point, view } of places().take(KILLS)) {
    const afterHits = Math.floor(Math.random() * 3);
    await stack.faults
      .arm({ service: 'projector', point, match: view, afterHits, action: 'kill' })
      .fired(120_000);
  }
  await load.stop();
  const rows = await expectViewsAsRebuilt(stack);
  expect(stack.faults.fired().length).toBe(KILLS);
  report(NUMBER, {
    ...crashesByPoint(stack.faults.fired()),
    commands: load.ledger.length,
    'rows compared': rows,
  });
});
