/**
 * Several clients at once, two replicas of every service: whatever they do, in whatever interleaving, some order of it
 * explains every answer, and every view ends as the model says.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeAll, expect, inject, test } from 'vitest';
import { signInAdmin } from '../e2e/admin.ts';
import { report } from '../guarantees/report.ts';
import { rounds } from './operations.ts';
import { ModelRun } from './run-model.ts';
import { runs } from './runs.ts';
import { send } from './send.ts';
import { readViews, viewsOf } from './views.ts';

const url = inject('stackUrl');
let staff: { id: string; token: string };

beforeAll(async () => {
  const token = await signInAdmin(url);
  const { body } = await send(url, {
    method: 'GET',
    path: '/v1/me',
    headers: { authorization: `Bearer ${token}` },
  });
  staff = { id: (JSON.parse(body) as { id: string }).id, token };
});

test('any sequence and interleaving of commands ends with views equal to the model', async () => {
  let [histories, commands] = [0, 0];
  await fc.assert(
    fc.asyncProperty(rounds, async (history) => {
      const run = await ModelRun.start(url, staff);
      for (const round of history) {
        await run.round(round);
        commands += round.length;
      }
      histories++;
      // Twice, so that both replicas of query-api are asked.
      for (let replica = 0; replica < 2; replica++) {
        const views = await readViews(url, run);
        const expected = run.worlds.map((world) => viewsOf(world, run));
        if (!expected.some((candidate) => isDeepStrictEqual(candidate, views)))
          expect(views).toEqual(expected[0]);
      }
    }),
    runs(8, 500),
  );
  report(0, { histories, commands });
});
