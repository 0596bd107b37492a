import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import { expect, test } from 'vitest';
import { Crash, createHarness, type Replica, userCaller } from '../commands/harness.fixture.ts';
import {
  createArticle,
  deleteArticle,
  restoreArticle,
  updateArticle,
} from '../publishing/article.commands.ts';
import { ownersOf, releaseAll } from './reservations.fixture.ts';

const ada = userCaller(uuidv7());
const titles = ['First title', 'Second title', 'Third title'];

/** Numbers from 0 to 1 that a seed determines. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/**
 * A log whose user fails now and then, right before or right after an append: either its process dies, and does
 * nothing more, or it lost its connection for a moment.
 */
function deadly(random: () => number): (log: EventLog) => EventLog {
  const isProcess = random() < 0.5;
  let isDead = false;
  const fail = (when: string) => {
    isDead = isProcess;
    return new Crash(when);
  };
  return (log) => ({
    ...log,
    async read(stream, options) {
      if (isDead) throw new Crash('dead');
      return log.read(stream, options);
    },
    async append(stream, events, expected) {
      if (isDead) throw new Crash('dead');
      const fate = random();
      if (fate < 0.08) throw fail('before');
      const result = await log.append(stream, events, expected);
      if (fate > 0.92) throw fail('after');
      return result;
    },
  });
}

/** Something that a caller might do, on a replica that may die of it. */
async function act(replica: Replica, ids: string[], random: () => number): Promise<void> {
  const title = titles[Math.floor(random() * titles.length)];
  const id = ids[Math.floor(random() * ids.length)];
  const kind = id ? Math.floor(random() * 4) : 0;
  const options = { caller: ada, params: { id } };
  if (kind === 0) ids.push((await replica.run(createArticle, { caller: ada, body: { title } })).id);
  else if (kind === 1) await replica.run(updateArticle, { ...options, body: { title } });
  else if (kind === 2) await replica.run(deleteArticle, options);
  else await replica.run(restoreArticle, options);
}

/** How a command ends: `done`, or the code of its refusal. */
const outcomeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => 'done',
    (error) => error.code ?? String(error),
  );

test.each(Array.from({ length: 25 }, (_, seed) => seed + 1))(
  'whoever dies when, no key is ever owned twice, and none is lost (seed %i)',
  async (seed) => {
    const random = randomOf(seed * 7_919);
    const { events, replica } = createHarness();
    const ids: string[] = [];
    for (let round = 0; round < 12; round++) {
      const replicas = [-1, 5, 10_000].map((leaseMs) =>
        replica({ leaseMs, waitMs: 5, wrap: deadly(random) }),
      );
      await Promise.allSettled(replicas.flatMap((each) => [act(each, ids, random), act(each, ids, random)]));
      if (random() < 0.5) await releaseAll(replica(), [...events]);
    }
    const owned = ownersOf(events);

    // Once every reservation is overdue, what is owned is taken and what is not can be had.
    const now = Date.now;
    Date.now = () => now() + 60_000;
    try {
      const healthy = replica();
      await releaseAll(healthy, [...events]);
      for (const title of titles) {
        const key = healthy.reservations.streamOf({
          kind: 'title',
          parts: [ada.userId, title.toLowerCase()],
        });
        const outcome = await outcomeOf(healthy.run(createArticle, { caller: ada, body: { title } }));
        expect(outcome).toBe(owned.has(key) ? 'title-taken' : 'done');
      }
      ownersOf(events);
    } finally {
      Date.now = now;
    }
  },
);
