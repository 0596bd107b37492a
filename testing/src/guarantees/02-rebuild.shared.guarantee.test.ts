import { setTimeout as sleep } from 'node:timers/promises';
import { followUser, unfollowUser } from '@annals/contracts/identity/follow.routes';
import { createCategory, renameCategory } from '@annals/contracts/publishing/category.routes';
import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import { viewName } from '@annals/platform/consumer/projection';
import { projections } from '@annals/projector/projections';
import { afterAll, expect, it } from 'vitest';
import { Api, uniqueName } from '../e2e/client.ts';
import { newPerson } from '../e2e/people.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { startLoad } from './load.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { crashesByPoint, report } from './report.ts';
import { shuffled } from './shuffled.ts';

const NUMBER = 2;
const KILLS = counts(6, 100, 3);
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

/** What the load leaves out, so that every view has something to fold: people follow, categories are renamed. */
async function followAndRename(isOver: () => boolean): Promise<void> {
  const [reader, author] = [await newPerson(stack.url, 'reader'), await newPerson(stack.url, 'author')];
  const service = new Api(stack.url, stack.serviceToken);
  const name = uniqueName('category');
  const { body: category } = await service.ok(createCategory, { body: { name } });
  for (let turn = 1; !isOver(); turn++) {
    await reader.api.ok(turn % 2 ? followUser : unfollowUser, { params: { id: author.id } });
    await service.ok(renameCategory, { params: { id: category.id }, body: { name: `${name} ${turn}` } });
    await sleep(50);
  }
}

it('a projection killed at any point of a batch ends byte-identical to a rebuild', async () => {
  const load = await startLoad({ baseUrl: stack.url, writers: 4 });
  let isOver = false;
  const besides = followAndRename(() => isOver);
  for (const { point, view } of places().take(KILLS)) {
    const afterHits = Math.floor(Math.random() * 3);
    await stack.faults
      .arm({ service: 'projector', point, match: view, afterHits, action: 'kill' })
      .fired(120_000);
  }
  isOver = true;
  await Promise.all([load.stop(), besides]);
  const rows = await expectViewsAsRebuilt(stack);
  expect(stack.faults.fired().length).toBe(KILLS);
  report(NUMBER, {
    ...crashesByPoint(stack.faults.fired()),
    commands: load.ledger.length,
    'rows compared': rows,
  });
});
