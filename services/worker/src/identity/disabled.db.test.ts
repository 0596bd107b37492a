import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWorld, type World } from '../worker.fixture.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

test('I6 the sessions of who is disabled are ended, as of the event', async () => {
  const userId = await world.register();
  const event = await world.append(`user-${userId}`, 'UserDisabled', { userId });
  await world.append(`user-${userId}`, 'UserEnabled', { userId });
  await world.startApp();
  await world.settle();
  expect(world.calls).toEqual([
    {
      path: '/internal/sessions/end-disabled',
      body: { userId, disabledAt: expect.stringMatching(/^\d{4}-.+Z$/) },
      idempotencyKey: `end-disabled:${event}`,
      authorization: 'Bearer service-token-of-the-test',
    },
  ]);
});
