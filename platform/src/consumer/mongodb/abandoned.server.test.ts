import { type MongoKind, mongoKinds } from '@annals/testing/servers/mongodb';
import {
  at,
  claimOf,
  projectionOf,
  registrationOf,
  START,
  writes,
} from '@annals/testing/suites/consumer-store/kit';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { besideOf, viewName } from '../projection.ts';
import { type Claim, LeaseLost, type ViewStore } from '../store.ts';
import { viewCollection } from './collections.ts';
import { startDatabase, textsIn } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

const LEASE_MS = 300;
/** Well before the server ends a transaction by itself, after 60 s. */
const PATIENCE = { timeout: 20_000, interval: 100 };
const doc = (count: number, slug = `s${count}`) => ({ count, slug });

/** The database as it is for a process that dies at the end of a transaction, the `nth` of its own, and leaves it open. */
function dyingIn(mongo: MongoDatabase, nth: number) {
  const [dead, isOver] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  onTestFinished(() => isOver.resolve());
  let transactions = 0;
  const dying: MongoDatabase = {
    ...mongo,
    transaction: (work, session) =>
      mongo.transaction(async (own) => {
        const isLast = ++transactions === nth;
        try {
          return await work(own);
        } finally {
          if (isLast) {
            dead.resolve();
            await isOver.promise;
          }
        }
      }, session),
  };
  return { mongo: dying, died: dead.promise };
}

const kinds = mongoKinds
  .filter(({ hasTransactions }) => hasTransactions)
  .map((kind) => [kind.name, kind] as const);

describe.each(kinds)('on %s', (_, kind: MongoKind) => {
  const prepared = async () => {
    const mongo = await startDatabase(kind);
    const store = createMongoViewStore({ mongo });
    const projection = projectionOf('documents');
    await store.prepare([registrationOf(projection)], START);
    return { mongo, store, view: viewName(projection) };
  };
  const claimed = (store: ViewStore, consumer: string): Promise<Claim> =>
    vi.waitFor(() => claimOf(store, consumer, 'two'), PATIENCE);

  /** Refuses two documents with one slug. */
  const refuseTwins = async (mongo: MongoDatabase, view: string) => {
    const collection = await viewCollection(mongo.db, view);
    await collection?.createIndex({ 'doc.slug': 1 }, { name: 'once', unique: true });
  };

  test.skipIf(!kind.isThere)(
    'who loses the lease before it looks for the documents that are refused does not look',
    async () => {
      const { mongo, store, view } = await prepared();
      await refuseTwins(mongo, view);
      let transactions = 0;
      const overtaken: MongoDatabase = {
        ...mongo,
        transaction: async (work, session) => {
          if (++transactions === 2) await claimed(store, view);
          return mongo.transaction(work, session);
        },
      };
      const one = createMongoViewStore({ mongo: overtaken });
      const claim = await one.claim(view, 'one', LEASE_MS);
      if (!claim) throw new Error('the lease is held');
      const upserts = { a: doc(1, 'one'), b: doc(2, 'one') };
      await expect(one.commit(claim, at(1), writes({ upserts }))).rejects.toThrow(LeaseLost);
      expect(transactions).toBe(2);
    },
  );

  test.skipIf(!kind.isThere)(
    'who dies while it looks for the documents that are refused keeps nobody from the others',
    async () => {
      const { mongo, store, view } = await prepared();
      await refuseTwins(mongo, view);
      // The third one tries the first half, which is not refused.
      const dying = dyingIn(mongo, 3);
      const one = createMongoViewStore({ mongo: dying.mongo });
      const claim = await one.claim(view, 'one', LEASE_MS);
      if (!claim) throw new Error('the lease is held');
      const upserts = { a: doc(1, 'one'), b: doc(2, 'two'), c: doc(3, 'two') };
      one.commit(claim, at(1), writes({ upserts })).catch(() => {});
      await dying.died;
      const next = await claimed(store, view);
      await store.commit(next, at(2), writes({ upserts: { a: doc(4) } }));
      expect([...(await textsIn(mongo, view)).keys()]).toEqual(['a']);
    },
  );

  test.skipIf(!kind.isThere)(
    'who dies in the middle of a switch keeps nobody from either generation, nor from the switch',
    async () => {
      const { mongo, store, view } = await prepared();
      await store.goLive(await claimOf(store, view, 'one'));
      await store.begin(view, START, 0);
      await store.goLive(await claimOf(store, besideOf(view), 'one'));
      const request = { consumer: view, action: 'switch' as const };
      const pending = { ...request, id: await store.request(request) };
      const dying = dyingIn(mongo, 1);
      createMongoViewStore({ mongo: dying.mongo })
        .swap(pending, 'switched')
        .catch(() => {});
      await dying.died;
      const claims = await Promise.all([besideOf(view), view].map((one) => claimed(store, one)));
      for (const [n, claim] of claims.entries())
        await store.commit(claim, at(1), writes({ upserts: { [`d${n}`]: doc(n) } }));
      await store.swap(pending, 'switched');
      expect([...(await textsIn(mongo, view)).keys()]).toEqual(['d0']);
    },
  );

  test.skipIf(!kind.isThere)('who dies while it compares a view keeps nobody from writing it', async () => {
    const { mongo, store, view } = await prepared();
    const first = await claimOf(store, view, 'one');
    const next = await store.commit(first, at(1), writes({ upserts: { a: doc(1) } }));
    const dying = dyingIn(mongo, 1);
    createMongoViewStore({ mongo: dying.mongo })
      .snapshot(view, { after: null, upTo: null })
      .catch(() => {});
    await dying.died;
    const began = performance.now();
    await store.commit(next, at(2), writes({ upserts: { a: doc(2) }, deletes: ['b'] }));
    const claim = await claimOf(store, view, 'one');
    await store.renew([{ claim, through: at(3) }]);
    await store.commit(claim, at(3), writes({ deletes: ['a'] }));
    expect(performance.now() - began).toBeLessThan(10_000);
    expect((await textsIn(mongo, view)).size).toBe(0);
  });
});
