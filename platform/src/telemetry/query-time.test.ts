import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { measureQueries, QueryTime, timed } from './query-time.ts';

test('X4 queries count for the request that asks them, and those at the same time share their time', async () => {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const [one, other] = [new QueryTime(), new QueryTime()];
  const answers: (() => void)[] = [];
  const ask = () => timed(() => new Promise<void>((resolve) => answers.push(resolve)));
  const asked = measureQueries(one, async () => {
    await turn();
    await Promise.all([ask(), ask()]);
    await ask();
  });
  measureQueries(other, () => void ask());
  await turn();
  await turn();
  now = 5;
  for (const answer of answers.splice(0)) answer();
  await turn();
  now = 7;
  for (const answer of answers.splice(0)) answer();
  await asked;
  expect([one.count, one.ms, other.count, other.ms]).toEqual([3, 7, 1, 5]);
  clock.mockRestore();
});

test('X4 a query that fails ends its time, and fails', async () => {
  const time = new QueryTime();
  const asked = measureQueries(time, () => timed(() => Promise.reject(new Error('gone'))));
  await expect(asked).rejects.toThrow('gone');
  expect(time.count).toBe(1);
  expect(time.ms).toBeGreaterThanOrEqual(0);
  await expect(timed(async () => 'outside of any request')).resolves.toBe('outside of any request');
});
