import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

test('who has waited for its turn for too long is refused as unavailable, does nothing and gives its place up', async () => {
  const inTurn = createTurns({ maxWaiting: 1, maxWaitMs: 100 });
  const done: string[] = [];
  const held = Promise.withResolvers<void>();
  const first = inTurn('a', () => held.promise);
  await expect(inTurn('a', async () => done.push('late'))).rejects.toMatchObject({ code: 'unavailable' });
  const next = inTurn('a', async () => done.push('next'));
  await expect(inTurn('a', async () => done.push('one too many'))).rejects.toMatchObject({
    code: 'concurrent-changes',
  });
  held.resolve();
  await Promise.all([first, next]);
  expect(done).toEqual(['next']);
});

test('turns of one key come one after the other, in their order; those of others at once', async () => {
  const inTurn = createTurns({ maxWaiting: 10, maxWaitMs: 10_000 });
  const begun: string[] = [];
  const held = Promise.withResolvers<void>();
  const turns = ['a1', 'a2', 'a3', 'b1'].map((name) =>
    inTurn(name.charAt(0), () => {
      begun.push(name);
      return held.promise;
    }),
  );
  await expect.poll(() => begun).toEqual(['a1', 'b1']);
  held.resolve();
  await Promise.all(turns);
  expect(begun).toEqual(['a1', 'b1', 'a2', 'a3']);
});
