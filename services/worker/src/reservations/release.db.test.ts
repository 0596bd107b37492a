import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWorld, until, type World } from '../worker.fixture.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const claim = () => ({ key: `reservation-${'0'.repeat(40)}`, attempt: v7() });

async function deleteArticle(
  ...claims: ReturnType<typeof claim>[]
): Promise<{ articleId: string; event: string }> {
  const articleId = v7();
  const data = { articleId, authorId: v7(), wasPublished: false, tags: [] };
  return { articleId, event: await world.append(`article-${articleId}`, 'ArticleDeleted', data, claims) };
}

test('keys that an event gives up are released, by the stream that held them', async () => {
  const [first, second] = [claim(), claim()];
  const { articleId, event } = await deleteArticle(first, second);
  await deleteArticle();
  await world.startApp();
  await world.settle();
  const sort = (calls: typeof world.calls) =>
    calls.toSorted((a, b) => String(a.idempotencyKey).localeCompare(String(b.idempotencyKey)));
  expect(sort(world.calls)).toEqual(
    sort(
      [first, second].map(({ key, attempt }) => ({
        path: '/internal/reservations/release',
        body: { key, attempt, by: `article-${articleId}` },
        idempotencyKey: `release:${event}:${attempt}:${key}`,
        authorization: 'Bearer service-token-of-the-test',
      })),
    ),
  );
});

test('a redelivery repeats the same command under the same key', async () => {
  await deleteArticle(claim());
  const app = await world.startApp();
  await world.settle();
  await app.stop();
  await world.rewind();
  await world.startApp();
  await world.settle();
  expect(world.calls).toHaveLength(2);
  expect(world.calls[1]).toEqual(world.calls[0]);
});

test.each([500, 503, 429])(
  'an answer %i is tried again until it succeeds, and nothing is passed over',
  async (status) => {
    world.commandApi.status = status;
    await deleteArticle(claim());
    await world.startApp();
    await until(async () => world.calls.length >= 3);
    const checkpoint = async () =>
      (
        await world.pool.query(
          `select position, held_error from consumers.checkpoints where consumer = 'release_keys_v1'`,
        )
      ).rows[0];
    expect(await checkpoint()).toEqual({ position: await world.log.start(), held_error: null });
    world.commandApi.status = 200;
    await world.settle();
    expect((await checkpoint()).position).toBe(await world.log.head());
  },
);

test('an answer that no attempt changes holds the reaction, visibly, and nothing is passed over', async () => {
  world.commandApi.status = 401;
  await deleteArticle(claim());
  await world.startApp();
  await until(async () => {
    const { rows } = await world.pool.query(
      `select held_error from consumers.checkpoints where consumer = 'release_keys_v1'`,
    );
    return rows[0]?.held_error === 'Error';
  });
  world.commandApi.status = 200;
  await world.settle();
});
