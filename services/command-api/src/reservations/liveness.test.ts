import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import { describe, expect, test } from 'vitest';
import { streamOf } from '../commands/decider.ts';
import { type CallOptions, createHarness, newTicket, userCaller } from '../commands/harness.fixture.ts';
import { registerUser } from '../identity/user.commands.ts';
import {
  createArticle,
  deleteArticle,
  restoreArticle,
  updateArticle,
} from '../publishing/article.commands.ts';
import { articles } from '../publishing/deciders.ts';
import { ownersOf, releaseAll } from './reservations.fixture.ts';

const ada = userCaller(uuidv7());
const anonymous = { kind: 'anonymous', address: '::1' } as const;

function registration(username: string, email: string): CallOptions {
  return { caller: anonymous, body: { username, email, password: 'correct horse battery' } };
}

const article = (title: string) => ({ caller: ada, body: { title, content: '<p>x</p>' } });

type Append = EventLog['append'];

/** Replaces what a replica does to append, by what it would have done. */
const withAppend =
  (append: (go: () => ReturnType<Append>, ...call: Parameters<Append>) => ReturnType<Append>) =>
  (log: EventLog): EventLog => ({
    ...log,
    append: (...call) => append(() => log.append(...call), ...call),
  });

async function outcomeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'done',
    (error) => error.code ?? String(error),
  );
}

describe('an attempt that fails while it reserves', () => {
  test('is over only when all its reservations are: none of them comes later', async () => {
    const harness = createHarness();
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let appends = 0;
    const failing = harness.replica({
      wrap: withAppend(async (go) => {
        appends += 1;
        if (appends === 1) throw new Error('connection lost');
        begun.resolve();
        await gate.promise;
        return go();
      }),
    });
    let isOver = false;
    const run = outcomeOf(failing.run(createArticle, article('A title'))).finally(() => {
      isOver = true;
    });
    await begun.promise;
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    gate.resolve();
    expect(await run).toBe('Error: connection lost');
    const { length } = harness.events;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(harness.events).toHaveLength(length);
  });
});

describe('attempts that want the same keys', () => {
  test('I1 of two registrations of one name and one e-mail address, at any interleaving, one wins', async () => {
    for (let round = 0; round < 20; round++) {
      const harness = createHarness();
      // Each replica is slow with a key of its own, so that each could have the one that the other wants.
      const slowWith = (place: number) => {
        const keys: string[] = [];
        return withAppend(async (go, stream) => {
          if (stream.startsWith('reservation-') && !keys.includes(stream)) keys.push(stream);
          if (keys.toSorted()[place] === stream) await new Promise((resolve) => setTimeout(resolve, 3));
          return go();
        });
      };
      const replicas = [0, 1].map((place) => harness.replica({ waitMs: 300, wrap: slowWith(place) }));
      const calls = replicas.map((replica) =>
        outcomeOf(replica.run(registerUser, registration(`ada-${round}`, `ada-${round}@example.org`))),
      );
      expect((await Promise.all(calls)).sort()).toEqual(['done', 'username-taken']);
      ownersOf(harness.events);
    }
  });
});

describe('a key whose holder gave it up', () => {
  test('P3 can be had before the worker released it', async () => {
    const harness = createHarness();
    const replica = harness.replica();
    const { id } = await replica.run(createArticle, article('A title'));
    await replica.run(deleteArticle, { caller: ada, params: { id } });
    const other = await harness.replica().run(createArticle, article('A title'));
    await expect(replica.run(restoreArticle, { caller: ada, params: { id } })).rejects.toMatchObject({
      code: 'title-taken',
    });
    // The release that comes late takes nothing from the new owner.
    await releaseAll(replica, [...harness.events]);
    await expect(replica.run(createArticle, article('A title'))).rejects.toMatchObject({
      code: 'title-taken',
    });
    ownersOf(harness.events);
    await replica.run(deleteArticle, { caller: ada, params: { id: other.id } });
    await replica.run(restoreArticle, { caller: ada, params: { id } });
    ownersOf(harness.events);
  });

  test('is free for others also where a late attempt of the holder covers the release up', async () => {
    const harness = createHarness();
    const other = harness.replica();
    const { id } = await other.run(createArticle, article('First title'));
    const stale = harness.replica({
      // Between reading what its stream owns and saying so, the article is renamed and the worker releases.
      wrap: withAppend(async (go, _stream, [event]) => {
        if (event?.type === 'KeyReserved') await rename('A title');
        if (event?.type !== 'KeyHeld') return go();
        await rename('Another title');
        await releaseAll(other, [...harness.events]);
        return go();
      }),
    });
    const rename = async (title: string) => {
      await other.run(updateArticle, { caller: ada, params: { id }, body: { title } });
      await other.reservations.drain();
    };
    await stale.streams.load(streamOf(articles, id));
    await stale
      .run(updateArticle, { caller: ada, params: { id }, body: { title: 'A title' } })
      .catch(() => undefined);
    await rename('Last title');
    await other.run(createArticle, article('A title'));
    ownersOf(harness.events);
  });
});

describe('a command that is repeated while its first attempt is being appended', () => {
  test('leaves the keys of the attempt that was appended, and no others', async () => {
    const harness = createHarness();
    const ticket = newTicket();
    const [reserved, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const isAct = (stream: string) => !stream.startsWith('reservation-');
    const slow = harness.replica({
      wrap: withAppend(async (go, stream) => {
        if (!isAct(stream)) return go();
        reserved.resolve();
        await gate.promise;
        return go();
      }),
    });
    const first = slow.run(createArticle, { ...article('A title'), ticket });
    await reserved.promise;
    const other = harness.replica({
      leaseMs: 10_000,
      wrap: (log): EventLog => ({
        ...log,
        // Once it has seen that the stream is empty, the first attempt goes through.
        read: async (stream, options) => {
          const events = await log.read(stream, options);
          if (isAct(stream)) gate.resolve();
          return events;
        },
      }),
    });
    const again = await other.run(createArticle, {
      ...article('A title'),
      ticket: { ...ticket, isFirst: false },
    });
    expect(again).toMatchObject({ ...(await first), hasAppended: false });
    await slow.reservations.drain();
    await other.reservations.drain();
    const [created] = await other.log.read(`article-${again.id}`);
    // Nobody owns what the second attempt reserved for itself.
    const fresh = harness.replica();
    const held = new Set(created?.metadata.claims?.map(({ key }) => key));
    for (const { stream } of harness.events.filter(({ stream }) => !isAct(stream))) {
      expect(await fresh.reservations.claimantOf(stream)).toEqual(
        held.has(stream) ? expect.objectContaining({ by: `article-${again.id}` }) : null,
      );
    }
    expect(created?.data).toMatchObject({ slug: 'a-title' });
    ownersOf(harness.events);
  });
});
