import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import { describe, expect, test } from 'vitest';
import { createHarness, userCaller } from '../commands/harness.fixture.ts';
import {
  createArticle,
  deleteArticle,
  publishArticle,
  restoreArticle,
  updateArticle,
} from '../publishing/article.commands.ts';
import { ownersOf, releaseAll } from './reservations.fixture.ts';

const ada = userCaller(uuidv7());
const article = (title: string) => ({ caller: ada, body: { title, content: '<p>x</p>' } });

describe('a refused attempt', () => {
  test('gives back what it reserved by what its stream says then, not by what it said before', async () => {
    const harness = createHarness();
    const other = harness.replica();
    const mine = { caller: ada, body: { title: 'A title', content: '<p>x</p>', externalId: 'mine' } };
    const { id } = await other.run(createArticle, mine);
    const act = { caller: ada, params: { id } };
    await other.run(deleteArticle, act);
    // While the restoration reserves, the article is restored and renamed, and its title goes to another one.
    const meddle = async () => {
      await other.run(restoreArticle, act);
      await other.run(updateArticle, { ...act, body: { title: 'Another title' } });
      await other.reservations.drain();
      await releaseAll(other, [...harness.events]);
      await other.run(createArticle, article('A title'));
    };
    let meddling: Promise<void> | undefined;
    const slow = harness.replica({
      wrap: (log): EventLog => ({
        ...log,
        append: async (stream, events, expected) => {
          meddling ??= meddle();
          await meddling;
          return log.append(stream, events, expected);
        },
      }),
    });
    expect(await slow.run(restoreArticle, act)).toMatchObject({ hasAppended: false });
    const again = { ...mine, body: { ...mine.body, title: 'Third title' } };
    await expect(other.run(createArticle, again)).rejects.toMatchObject({ code: 'external-id-taken' });
    ownersOf(harness.events);
  });
});

describe('what an act gives up', () => {
  test('P3 is free once released, and the slug of a publication stays', async () => {
    const harness = createHarness();
    const replica = harness.replica();
    const { id } = await replica.run(createArticle, article('A title'));
    const [title, slug] = [[ada.userId, 'a title'], ['a-title']].map((parts, at) =>
      replica.reservations.streamOf({ kind: at === 0 ? 'title' : 'slug', parts }),
    ) as [string, string];
    await replica.run(publishArticle, { caller: ada, params: { id } });
    await replica.run(updateArticle, { caller: ada, params: { id }, body: { title: 'Another title' } });
    await releaseAll(replica, [...harness.events]);
    expect(await replica.reservations.claimantOf(title)).toBeNull();
    expect(await replica.reservations.claimantOf(slug)).toMatchObject({ by: `article-${id}` });
    const next = await replica.run(createArticle, article('A title'));
    const [created] = await replica.log.read(`article-${next.id}`);
    expect(created?.data).toMatchObject({ slug: 'a-title-2' });
  });

  test('P3 is reserved again by a restoration, which is refused while it is taken', async () => {
    const harness = createHarness();
    const replica = harness.replica();
    const { id } = await replica.run(createArticle, article('A title'));
    await replica.run(deleteArticle, { caller: ada, params: { id } });
    await releaseAll(replica, [...harness.events]);
    const other = await replica.run(createArticle, article('A title'));
    await expect(replica.run(restoreArticle, { caller: ada, params: { id } })).rejects.toMatchObject({
      code: 'title-taken',
    });
    await replica.run(deleteArticle, { caller: ada, params: { id: other.id } });
    await releaseAll(replica, [...harness.events]);
    await replica.run(restoreArticle, { caller: ada, params: { id } });
    await releaseAll(replica, [...harness.events]);
    await expect(replica.run(createArticle, article('A title'))).rejects.toMatchObject({
      code: 'title-taken',
    });
    ownersOf(harness.events);
  });

  test('can be taken again by the same resource before it is released, and then stays its own', async () => {
    const harness = createHarness();
    const replica = harness.replica();
    const { id } = await replica.run(createArticle, article('A title'));
    await replica.run(updateArticle, { caller: ada, params: { id }, body: { title: 'Another title' } });
    await replica.run(updateArticle, { caller: ada, params: { id }, body: { title: 'A title' } });
    await releaseAll(replica, [...harness.events]);
    await expect(replica.run(createArticle, article('A title'))).rejects.toMatchObject({
      code: 'title-taken',
    });
    await replica.run(createArticle, article('Another title'));
    ownersOf(harness.events);
  });
});
