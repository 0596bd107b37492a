import { removeAvatar, setAvatar } from '@annals/contracts/identity/avatar.routes';
import { PIXEL } from '@annals/testing/fixtures/pixel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Backend, call, newPerson, startBackend } from '../app.fixture.ts';
import type { App } from '../app.ts';

let backend: Backend;
let app: App;
beforeAll(async () => {
  backend = await startBackend({ sweepSeconds: '1' });
  app = await backend.startApp();
});
afterAll(() => backend.stop());

/** Lets time pass for what is staged. */
const pass = (interval: string) =>
  backend.pool.query('update command_api.avatars set staged_at = staged_at - $1::interval', [interval]);

async function kept(): Promise<{ user_id: string; is_named: boolean }[]> {
  const { rows } = await backend.pool.query('select user_id, is_named from command_api.avatars');
  return rows;
}

const soon = { timeout: 10_000, interval: 100 };

test('I1 pictures that were replaced or removed soon after they were set are swept; those that are somebody’s stay', async () => {
  const [ada, bob] = [await newPerson(app, 'ada'), await newPerson(app, 'bob')];
  const set = async (token: string) => {
    expect((await call(app, setAvatar, { token, body: { image: PIXEL } })).status).toBe(200);
  };
  await set(bob.token);
  await call(app, removeAvatar, { token: bob.token });
  for (const _ of [1, 2, 3]) await set(ada.token);
  expect(await kept()).toHaveLength(4);
  await pass('11 minutes');
  await expect.poll(kept, soon).toEqual([{ user_id: ada.id, is_named: true }]);

  await set(ada.token);
  await pass('9 minutes');
  // A sweep has passed once this one is gone, and has left alone what may be under way.
  await backend.pool.query(
    `insert into command_api.avatars (id, user_id, media_type, sealed, staged_at)
     values (gen_random_uuid(), $1, '', '', now() - interval '11 minutes')`,
    [bob.id],
  );
  await expect.poll(kept, soon).not.toContainEqual(expect.objectContaining({ user_id: bob.id }));
  expect(await kept()).toHaveLength(2);
});
