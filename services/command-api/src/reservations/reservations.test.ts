import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import { describe, expect, test } from 'vitest';
import type { AnyCommand } from '../commands/command.ts';
import {
  Crash,
  crashAt,
  createHarness,
  newTicket,
  type Replica,
  userCaller,
} from '../commands/harness.fixture.ts';
import { registerUser } from '../identity/user.commands.ts';
import { createArticle, updateArticle } from '../publishing/article.commands.ts';
import { ownersOf } from './reservations.fixture.ts';

const ada = userCaller(uuidv7());
const anonymous = { kind: 'anonymous', address: '::1' } as const;
type Harness = ReturnType<typeof createHarness>;

function registration(username: string, email = `${username}@example.org`) {
  return { caller: anonymous, body: { username, email, password: 'correct horse battery' } };
}

const article = (title: string) => ({ caller: ada, body: { title, content: '<p>x</p>' } });

/** What the newest event of every reservation says. */
function reservationsOf({ events }: Harness): Map<string, string> {
  const newest = new Map<string, string>();
  for (const { stream, type } of events) if (stream.startsWith('reservation-')) newest.set(stream, type);
  return newest;
}

async function outcomes(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(calls);
  return settled
    .map((answer) => (answer.status === 'fulfilled' ? 'done' : String(answer.reason.code)))
    .sort();
}

const count = (values: readonly string[], value: string) => values.filter((each) => each === value).length;

describe('uniqueness', () => {
  test('I1 of many parallel registrations of one name exactly one wins', async () => {
    const harness = createHarness();
    const replicas = [harness.replica(), harness.replica()];
    const calls = Array.from({ length: 20 }, (_, n) =>
      (replicas[n % 2] as Replica).run(registerUser, registration('ada', `ada-${n}@example.org`)),
    );
    const results = await outcomes(calls);
    expect(count(results, 'done')).toBe(1);
    expect(count(results, 'username-taken')).toBe(19);
    ownersOf(harness.events);
  });

  test('P2 of many parallel articles of one title by one author exactly one is created', async () => {
    const harness = createHarness();
    const replicas = [harness.replica(), harness.replica()];
    const calls = Array.from({ length: 20 }, (_, n) =>
      (replicas[n % 2] as Replica).run(createArticle, article('One title')),
    );
    const results = await outcomes(calls);
    expect(count(results, 'done')).toBe(1);
    expect(count(results, 'title-taken')).toBe(19);
    ownersOf(harness.events);
  });

  test('P2 many authors use one title at once, and each gets a slug of its own', async () => {
    const harness = createHarness();
    const replicas = [harness.replica(), harness.replica()];
    const calls = Array.from({ length: 20 }, (_, n) =>
      (replicas[n % 2] as Replica).run(createArticle, {
        ...article('Read me'),
        caller: userCaller(uuidv7()),
      }),
    );
    expect(count(await outcomes(calls), 'done')).toBe(20);
    const slugs = harness.events.flatMap(({ data }) => (data as { slug?: string }).slug ?? []);
    expect(new Set(slugs).size).toBe(20);
    expect(slugs).toContain('read-me');
  });

  test('I1 all taken keys are reported at once, and what a refused attempt reserved is free again', async () => {
    const harness = createHarness();
    const replica = harness.replica();
    await replica.run(registerUser, registration('ada'));
    await expect(replica.run(registerUser, registration('ADA', 'ada@example.org'))).rejects.toMatchObject({
      code: 'username-taken',
      mistakes: [{ pointer: '/username' }, { pointer: '/email' }],
    });
    await expect(replica.run(registerUser, registration('grace', 'ada@example.org'))).rejects.toMatchObject({
      code: 'email-taken',
    });
    await replica.run(registerUser, registration('grace'));
    await replica.reservations.drain();
    expect([...reservationsOf(harness).values()]).toEqual(Array(4).fill('KeyHeld'));
  });

  test('names enter the names of streams only as keyed hashes', async () => {
    const harness = createHarness();
    await harness.replica().run(registerUser, registration('ada-lovelace'));
    for (const { stream } of harness.events) expect(stream).not.toContain('lovelace');
  });
});

describe('a crashed attempt', () => {
  const acts: readonly [string, AnyCommand, object, string][] = [
    ['registration', registerUser, registration('ada'), 'username-taken'],
    ['creation', createArticle, article('A title'), 'title-taken'],
  ];

  test.each(acts)(
    'before it was appended: the next %s gets the key, and the late one can no longer act',
    async (...[, command, act]) => {
      const harness = createHarness();
      const [paused, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const faults = async () => {
        paused.resolve();
        await gate.promise;
      };
      const late = harness
        .replica({ leaseMs: -1, faults })
        .run(command, act)
        .catch((error) => error.code);
      await paused.promise;
      const winner = await harness.replica().run(command, act);
      gate.resolve();
      expect(await late).toMatch(/-taken$/);
      expect(new Set(ownersOf(harness.events).values())).toEqual(
        new Set([expect.stringContaining(winner.id)]),
      );
    },
  );

  test.each(acts)(
    'after it was appended: its key is taken for the next %s, and becomes held',
    async (_name, command, act, code) => {
      const harness = createHarness();
      await expect(
        harness.replica({ leaseMs: -1, faults: crashAt('appended') }).run(command, act),
      ).rejects.toThrow(Crash);
      await expect(harness.replica().run(command, act)).rejects.toMatchObject({ code });
      const held = [...reservationsOf(harness).values()].filter((type) => type === 'KeyHeld');
      expect(held.length).toBeGreaterThan(0);
      ownersOf(harness.events);
    },
  );

  test('whose reservation is not overdue is waited for, and then told apart from an owner', async () => {
    const harness = createHarness();
    const dying = harness.replica({ faults: crashAt('reserved') });
    await expect(dying.run(registerUser, registration('ada'))).rejects.toThrow(Crash);
    await expect(
      harness.replica({ waitMs: 30 }).run(registerUser, registration('ada')),
    ).rejects.toMatchObject({
      code: 'concurrent-changes',
    });
  });

  test('that is repeated after others fenced it starts over with new reservations', async () => {
    const harness = createHarness();
    const ticket = newTicket();
    const dying = harness.replica({ leaseMs: -1, faults: crashAt('reserved') });
    await expect(dying.run(registerUser, { ...registration('ada'), ticket })).rejects.toThrow(Crash);
    // Another registration wants the e-mail address alone, fences the first, and is refused for its own reasons.
    const other = harness.replica();
    await other.run(registerUser, registration('grace', 'ada@example.org'));
    const again = { ...registration('ada', 'other@example.org'), ticket: { ...ticket, isFirst: false } };
    const { id, revision } = await other.run(registerUser, again);
    const events = await other.log.read(`user-${id}`);
    expect(events.map(({ type }) => type)).toEqual([
      'ReservationLapsed',
      'ReservationLapsed',
      'UserRegistered',
    ]);
    expect(revision).toBe(2);
    ownersOf(harness.events);
  });
});

describe('a stream that moves while its keys are being reserved', () => {
  test('makes the act start over, and nothing stays reserved', async () => {
    const harness = createHarness();
    const other = harness.replica();
    const { id } = await other.run(createArticle, article('First title'));
    let isMoved = false;
    const replica = harness.replica({
      faults: async () => {
        if (isMoved) return;
        isMoved = true;
        await other.run(updateArticle, { caller: ada, params: { id }, body: { tags: ['moved'] } });
      },
    });
    const { revision } = await replica.run(updateArticle, {
      caller: ada,
      params: { id },
      body: { title: 'Second title' },
    });
    expect(revision).toBe(2);
    await replica.reservations.drain();
    await other.reservations.drain();
    expect([...reservationsOf(harness).values()]).toEqual(Array(4).fill('KeyHeld'));
  });

  test.each([
    ['and confirming it', () => undefined],
    ['and dying before it is confirmed', crashAt('appended')],
  ])('by taking the very same key %s: the act finds it is so already', async (_name, faults) => {
    const harness = createHarness();
    const first = harness.replica();
    const { id } = await first.run(createArticle, article('First title'));
    const change = { caller: ada, params: { id }, body: { title: 'Second title' } };
    const other = harness.replica({ faults });
    let isMoved: Promise<unknown> | undefined;
    const slow = harness.replica({
      wrap: (log): EventLog => ({
        ...log,
        append: async (stream, events, expected) => {
          if (events[0]?.type === 'KeyReserved') isMoved ??= other.run(updateArticle, change).catch(() => {});
          await isMoved;
          return log.append(stream, events, expected);
        },
      }),
    });
    expect(await slow.run(updateArticle, change)).toMatchObject({ revision: 1, hasAppended: false });
    await other.reservations.drain();
    await expect(first.run(createArticle, article('Second title'))).rejects.toMatchObject({
      code: 'title-taken',
    });
    ownersOf(harness.events);
  });
});
