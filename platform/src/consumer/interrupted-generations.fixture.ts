/** What becomes of a rebuild whose process dies, on any store. */
import { type ConsumerKit, eventually } from '@annals/testing/consumer-kit';
import { describe, expect, test } from 'vitest';
import { done, outcomeOf } from './generations.fixture.ts';
import { besideOf, type Projection, viewName } from './projection.ts';
import type { Consumers } from './runtime.ts';
import type { ViewStore } from './store.ts';

/** The store as a process has it that dies as `isFatal` says: nothing of it reaches the database from then on, no good-bye either. */
function mortal(store: ViewStore, isFatal: (method: string, consumer: string) => boolean) {
  const death = Promise.withResolvers<void>();
  let isDead = false;
  const call = async (method: string, work: (...args: unknown[]) => unknown, args: readonly unknown[]) => {
    const [of] = args;
    const consumer = typeof of === 'string' ? of : (of as { consumer?: string } | undefined)?.consumer;
    if (!isDead && isFatal(method, consumer ?? '')) {
      isDead = true;
      death.resolve();
    }
    if (isDead) throw Object.assign(new Error('killed'), { code: 'ECONNRESET' });
    return work(...args);
  };
  const methods = Object.entries(store).map(([method, work]) => [
    method,
    (...args: unknown[]) => call(method, work, args),
  ]);
  return { store: Object.fromEntries(methods) as ViewStore, died: death.promise };
}

/** After three batches; in the middle of the comparison. */
const deaths: readonly (readonly [string, (beside: string) => (method: string, of: string) => boolean])[] = [
  [
    'builds',
    (beside) => {
      let commits = 0;
      return (method, of) => method === 'commit' && of === beside && ++commits > 3;
    },
  ],
  ['verifies', (beside) => (method, of) => method === 'snapshot' && of === beside],
];

interface Means {
  readonly kit: ConsumerKit;
  readonly store: ViewStore;
  readonly projection: Projection;
}

/** `open` gives what the test that runs works with. */
export function deathTests(open: () => Means): void {
  describe.each(deaths)('a rebuild whose process dies while it %s', (phase, fatal) => {
    /** A request whose owner is dead. */
    const abandoned = async ({ kit, store, projection }: Means): Promise<string> => {
      const view = viewName(projection);
      const one = mortal(store, fatal(besideOf(view)));
      const log: typeof kit.log = {
        ...kit.log,
        subscribe: (subscription) => kit.log.subscribe({ ...subscription, batchSize: 2 }),
      };
      await kit.append(
        ...Array.from({ length: 40 }, (_, by) => ['Counted', { id: `c${by % 7}`, by }] as const),
      );
      const consumers = await kit.run('one', [projection], { store: one.store, log, leaseMs: 500 });
      await eventually(async () => expect((await store.status())[0]?.isLive).toBe(true));
      const id = await consumers.request({ consumer: view, action: 'rebuild' });
      await one.died;
      expect((await store.requests())[0]).toMatchObject({ id, outcome: null });
      expect(await store.status()).toMatchObject([
        { consumer: view, generation: 1, isLive: true },
        { consumer: besideOf(view), generation: 2, isLive: phase === 'verifies' },
      ]);
      return id;
    };
    const next = ({ kit, store, projection }: Means): Promise<Consumers> =>
      kit.run('two', [projection], { store });

    test('is ended by the next owner', async () => {
      const means = open();
      const id = await abandoned(means);
      const consumers = await next(means);
      expect((await outcomeOf(consumers, id)).outcome).toBe('switched');
      expect(await means.store.status()).toMatchObject([{ generation: 2 }, { generation: 1 }]);
      expect((await done(consumers, 'verify')).outcome).toBe('verified');
    });

    test('can be dropped', async () => {
      const means = open();
      const id = await abandoned(means);
      const drop = await means.store.request({ consumer: viewName(means.projection), action: 'drop' });
      const consumers = await next(means);
      expect((await outcomeOf(consumers, drop)).outcome).toBe('dropped');
      expect((await outcomeOf(consumers, id)).outcome).toBe('it was dropped meanwhile');
      expect(await means.store.status()).toMatchObject([{ generation: 1, isLive: true }]);
      expect((await done(consumers, 'rebuild')).outcome).toBe('switched');
    });
  });
}
