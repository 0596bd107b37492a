import { type MongoKind, mongoKinds } from '@annals/testing/servers/mongodb';
import { at, projectionOf, registrationOf, START, writes } from '@annals/testing/suites/consumer-store/kit';
import { describe, expect, test, vi } from 'vitest';
import { viewName } from '../projection.ts';
import { type Claim, LeaseLost } from '../store.ts';
import { startDatabase, textsIn } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

const LEASE_MS = 300;
/** Well before the server ends a transaction by itself, after 60 s. */
const PATIENCE = { timeout: 20_000, interval: 100 };
const kinds = mongoKinds.filter(({ hasTransactions }) => hasTransactions);

describe.each(kinds.map((kind) => [kind.name, kind] as const))('on %s', (_, kind: MongoKind) => {
  /** An owner, `one`, that stands still in the middle of a commit until it `goesOn`. */
  const standing = async () => {
    const mongo = await startDatabase(kind);
    const [written, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const faults = () => {
      written.resolve();
      return goesOn.promise;
    };
    const store = createMongoViewStore({ mongo, faults });
    const projection = projectionOf('documents');
    const consumer = viewName(projection);
    await store.prepare([registrationOf(projection)], START);
    const claim = await claimed(store.claim(consumer, 'one', LEASE_MS));
    /** Gives what becomes of it; resolves once it stands still. */
    const commit = async () => {
      const committing = store.commit(claim, at(1), writes({ upserts: { a: { count: 1, slug: 'late' } } }));
      const outcome = committing.catch((error: unknown) => error);
      await written.promise;
      return { outcome };
    };
    return { mongo, consumer, commit, goOn: goesOn.resolve };
  };

  test.skipIf(!kind.isThere)(
    'a transaction that began once those before it were ended keeps nobody from the view for long',
    async () => {
      const { mongo, consumer, commit, goOn } = await standing();
      let begun: Awaited<ReturnType<typeof commit>> | undefined;
      const successor = createMongoViewStore({
        mongo: {
          ...mongo,
          async killSession(id) {
            await mongo.killSession(id);
            begun ??= await commit();
          },
        },
      });

      await vi.waitFor(() => claimed(successor.claim(consumer, 'two', 60_000)), PATIENCE);
      goOn();
      expect(await begun?.outcome).toBeInstanceOf(LeaseLost);
    },
  );

  test.skipIf(!kind.isThere)(
    'who stands still in the middle of a transaction keeps nobody from its view, and writes nothing afterwards',
    async () => {
      const { mongo, consumer, commit, goOn } = await standing();
      const { outcome } = await commit();

      const successor = createMongoViewStore({ mongo });
      const next = await vi.waitFor(() => claimed(successor.claim(consumer, 'two', 60_000)), PATIENCE);
      goOn();
      expect(await outcome).toBeInstanceOf(LeaseLost);
      await successor.commit(next, at(2), writes({ upserts: { b: { count: 2, slug: '' } } }));
      expect([...(await textsIn(mongo, consumer)).keys()]).toEqual(['b']);
    },
  );
});

async function claimed(claiming: Promise<Claim | null>): Promise<Claim> {
  const claim = await claiming;
  if (!claim) throw new Error('the lease is held');
  return claim;
}
