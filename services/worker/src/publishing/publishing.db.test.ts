import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWorld, until, type World } from '../worker.fixture.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

async function schedule(publishAt: string, articleId = v7()): Promise<{ articleId: string; cause: string }> {
  const data = { articleId, authorId: v7(), publishAt };
  return { articleId, cause: await world.append(`article-${articleId}`, 'ArticleScheduled', data) };
}

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('P4 what was due while no worker ran is published afterwards, once across replicas', async () => {
  const publishAt = inMs(-3_600_000);
  const { articleId, cause } = await schedule(publishAt);
  await Promise.all([world.startApp(), world.startApp()]);
  await world.settle();
  expect(world.calls).toEqual([
    {
      path: '/internal/articles/publish-scheduled',
      body: { articleId, publishAt },
      idempotencyKey: `publish-scheduled:${cause}`,
      authorization: 'Bearer service-token-of-the-test',
    },
  ]);
});

test('P4 each schedule comes at its time, and not before', async () => {
  const later = await schedule(inMs(3_600_000));
  const soon = await schedule(inMs(1_500));
  await world.startApp();
  await until(async () => world.calls.length > 0);
  const { rows } = await world.pool.query<{ key: string }>('select key from graphile_worker.jobs');
  expect(rows.map(({ key }) => key)).toContain(`publish-scheduled:${later.cause}`);
  expect(world.calls).toMatchObject([{ body: { articleId: soon.articleId } }]);
});

test('P4 while command-api is away it is tried again soon', async () => {
  world.commandApi.status = 503;
  await schedule(inMs(-1_000));
  await world.startApp();
  await until(async () => world.calls.length >= 2);
  world.commandApi.status = 200;
  await until(async () => {
    const { rows } = await world.pool.query('select from graphile_worker.jobs');
    return rows.length === 0;
  });
});

/** Makes the last 02:00 UTC one that no worker saw. */
async function missNight(): Promise<void> {
  await (await world.startApp()).stop();
  await world.pool.query(
    `insert into graphile_worker._private_known_crontabs (identifier, known_since)
     values ('clean-drafts', date_trunc('day', now() - interval '2 hours', 'UTC') + interval '1 hour')
     on conflict (identifier) do update set known_since = excluded.known_since, last_execution = null`,
  );
}

test('P14 a night that no worker saw is made up for, once across replicas', async () => {
  await missNight();
  const [first, second] = [v7(), v7()];
  world.queryApi.answers = [
    { drafts: [{ id: first, revision: 3 }], next: `2026-01-01T00:00:00.000Z ${first}` },
    { drafts: [{ id: second, revision: 0 }], next: null },
  ];
  await Promise.all([world.startApp(), world.startApp()]);
  await until(async () => world.calls.length === 2);
  await world.settle();
  expect(world.calls.map(({ path, body }) => [path, body])).toEqual([
    ['/internal/articles/delete-untouched', { articleId: first, revision: 3 }],
    ['/internal/articles/delete-untouched', { articleId: second, revision: 0 }],
  ]);
  const [question = '', onward = ''] = world.asked;
  expect(world.asked).toHaveLength(2);
  const before = new URL(question, 'http://x').searchParams.get('before') ?? '';
  // Thirty days before 02:00 UTC.
  expect(before).toMatch(/T02:00:00.000Z$/);
  expect(Date.parse(before)).toBeLessThan(Date.now() - 30 * 86_400_000);
  expect(new URL(onward, 'http://x').searchParams.get('after')).toBe(`2026-01-01T00:00:00.000Z ${first}`);
});

test('P14 a job that has cleaned much hands over to another', async () => {
  await missNight();
  world.queryApi.answers = Array.from({ length: 11 }, (_, page) => ({
    drafts: [],
    next: page < 10 ? `2026-01-01T00:00:00.000Z ${v7()}` : null,
  }));
  await world.startApp();
  await until(async () => world.asked.length === 11);
  await world.settle();
  expect(new Set(world.asked.map((url) => new URL(url, 'http://x').searchParams.get('before'))).size).toBe(1);
});
