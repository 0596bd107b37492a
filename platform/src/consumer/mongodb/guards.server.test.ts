import { type ConsumerKit, counting, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import {
  at,
  claimOf,
  projectionOf,
  registrationOf,
  START,
  writes,
} from '@annals/testing/suites/consumer-store/kit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { viewName } from '../projection.ts';
import { type ViewStore, WritesRefused } from '../store.ts';
import { viewCollection } from './collections.ts';
import { foldOf, mixedEvents, newDatabase, textsIn } from './kit.fixture.ts';
import { park } from './parking.ts';
import { createMongoViewStore } from './store.ts';
import { writeGuarded } from './write-documents.ts';

const kinds = mongoKinds.filter(({ hasTransactions }) => !hasTransactions);

for (const kind of kinds) {
  describe.skipIf(!kind.isThere)(`views in MongoDB without transactions: ${kind.name}`, () => {
    let server: MongoServer;
    let mongo: MongoDatabase;
    beforeAll(async () => {
      server = await kind.start();
    });
    afterAll(() => server?.remove());
    beforeEach(() => {
      mongo = newDatabase(server);
    });
    afterEach(() => mongo.close());

    const begin = async (tombstoneMs?: number) => {
      const store = createMongoViewStore({ mongo, ...(tombstoneMs === undefined ? {} : { tombstoneMs }) });
      const projection = projectionOf('documents');
      await store.prepare([registrationOf(projection)], START);
      const consumer = viewName(projection);
      const claim = await claimOf(store, consumer, 'one');
      const collection = await viewCollection(mongo.db, consumer);
      if (!collection) throw new Error('no collection');
      return { store, consumer, claim, collection };
    };

    test('a late writer changes no final document', async () => {
      const { store, consumer, claim, collection } = await begin();
      const [a, late] = [
        { count: 5, slug: '' },
        { count: 3, slug: '' },
      ];
      await store.commit(claim, at(5), writes({ upserts: { a } }));
      await writeGuarded(collection, { upserts: [{ _id: 'a', position: at(3), doc: late }], deletes: [] });
      await writeGuarded(collection, { upserts: [], deletes: [{ _id: 'a', position: at(4) }] });
      expect(await textsIn(mongo, consumer)).toEqual(new Map([['a', JSON.stringify(a)]]));
    });

    test('a late writer brings no deleted document back', async () => {
      const { store, consumer, claim, collection } = await begin();
      const a = { count: 1, slug: '' };
      const second = await store.commit(claim, at(1), writes({ upserts: { a } }));
      await store.commit(second, at(5), writes({ deletes: ['a'] }));
      await writeGuarded(collection, { upserts: [{ _id: 'a', position: at(3), doc: a }], deletes: [] });
      expect(await textsIn(mongo, consumer)).toEqual(new Map());
      expect(await store.load(consumer, ['a'])).toEqual({
        docs: new Map(),
        reached: new Map([['a', at(5)]]),
      });
    });

    describe('an event that is parked in vain', () => {
      const parked = (key: string, position: string) => ({
        ...{ key, position, stream: 'thing-1', revision: 1, error: 'TypeError' },
      });
      const doc = { count: 1, slug: '' };
      const parkedIn = async (store: ViewStore, consumer: string) => [
        await store.parkedKeys(consumer),
        (await store.status()).find((status) => status.consumer === consumer)?.parkedKeys,
      ];

      /** Events of documents that the new owner has folded already, parked by one that had lost the lease. */
      const parkedLate = async (tombstoneMs?: number) => {
        const begun = await begin(tombstoneMs);
        const { store, claim, collection } = begun;
        const positions = new Map([['c', at(2)]]);
        const first = await store.commit(claim, at(2), writes({ upserts: { c: doc }, positions }));
        const upserts = { a: doc };
        const events = [parked('b', at(4)), parked('c', at(5))];
        const second = await store.commit(first, at(5), writes({ upserts, deletes: ['d'], parked: events }));
        const late = [parked('a', at(3)), parked('d', at(3))];
        await park(mongo, undefined, collection.collectionName, late);
        expect(await store.parkedKeys(second.consumer)).toEqual(['a', 'b', 'c', 'd']);
        return { ...begun, claim: second };
      };

      test('since its document reflects it is forgotten by the next owner', async () => {
        const { store, claim, consumer } = await parkedLate();
        await store.release([claim]);
        await claimOf(store, consumer, 'two');
        expect(await parkedIn(store, consumer)).toEqual([['b', 'c'], 2]);
      });

      test('since its document reflects it is forgotten by its owner, now and then', async () => {
        const { store, claim, consumer } = await parkedLate(1_200);
        await eventually(async () => {
          await store.renew([{ claim, through: claim.position }]);
          expect(await parkedIn(store, consumer)).toEqual([['b', 'c'], 2]);
        });
      });

      test('since its batch comes again is forgotten with the next claim', async () => {
        const { claim, consumer } = await begin();
        const faults = () => {
          throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        };
        const dying = createMongoViewStore({ mongo, faults });
        const writing = dying.commit(claim, at(2), writes({ parked: [parked('a', at(2))] }));
        await expect(writing).rejects.toThrow('reset');
        expect(await dying.parkedKeys(consumer)).toEqual(['a']);
        await claimOf(dying, consumer, 'one');
        expect(await parkedIn(dying, consumer)).toEqual([[], 0]);
      });
    });

    test('a tombstone goes once the checkpoint has been past it for its time, not before', async () => {
      const { store, consumer, claim } = await begin(1_200);
      const first = await store.commit(claim, at(1), writes({ upserts: { a: { count: 1, slug: '' } } }));
      const held = await store.commit(first, at(2), writes({ deletes: ['a'] }));
      const isThere = async () => {
        await store.renew([{ claim: held, through: held.position }]);
        return (await store.load(consumer, ['a'])).reached.has('a');
      };
      const begun = performance.now();
      while (performance.now() < begun + 800) expect(await isThere()).toBe(true);
      await eventually(async () => expect(await isThere()).toBe(false));
    });

    test.skipIf(kind.isSerial)(
      'only a duplicate key means that a document is newer (FerretDB names no index)',
      async () => {
        const { store, claim, collection } = await begin();
        await collection.createIndex({ 'doc.more': 1 }, { unique: true });
        const doc = { count: 1, slug: '', more: 'same' };
        const refused = await store
          .commit(claim, at(1), writes({ upserts: { a: doc, b: doc } }))
          .catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(WritesRefused);
      },
    );

    describe('a projection', () => {
      let kit: ConsumerKit;
      beforeEach(async () => {
        kit = await openConsumerKit();
      });
      afterEach(() => kit.drop());

      test('that dies between its documents and its checkpoint folds no event twice', async () => {
        const projection = counting({ store: 'documents' });
        await kit.append(...mixedEvents(60));
        let deaths = 0;
        // What comes after it then is another batch, so no write of the first one is held back.
        const faults = async () => {
          if (++deaths > 4) return;
          await kit.append(...mixedEvents(14));
          throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        };
        const store = createMongoViewStore({ mongo, faults });
        await kit.run('one', [projection], { store });
        await eventually(async () => {
          expect(deaths).toBeGreaterThan(4);
          expect((await store.status())[0]?.through).toBe(await kit.log.head());
        });
        expect(await textsIn(mongo, 'counts_v1')).toEqual(await foldOf(kit, projection));
      });

      test('that dies while it parks and repairs loses no event, and folds none twice', async () => {
        let isPoisoned = true;
        let folds = 0;
        const poisoned = counting({
          store: 'documents',
          onEvolve: (key) => {
            // Not the first of its batch: the document reflects those before it.
            if (key === 'c1' && isPoisoned && ++folds > 2) throw new TypeError('poison');
          },
        });
        let deaths = 0;
        const faults = () => {
          if (++deaths % 2 === 1) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        };
        const store = createMongoViewStore({ mongo, faults });
        await kit.append(...mixedEvents(40));
        const consumers = await kit.run('one', [poisoned], { store });
        await eventually(async () => expect((await store.status())[0]?.parkedKeys).toBe(1));
        isPoisoned = false;
        await consumers.request({ consumer: 'counts_v1', action: 'retry', key: 'c1' });
        await eventually(async () => expect((await store.status())[0]?.parkedKeys).toBe(0));
        await kit.append(...mixedEvents(20));
        await eventually(async () => {
          expect((await store.status())[0]?.through).toBe(await kit.log.head());
        });
        expect(await textsIn(mongo, 'counts_v1')).toEqual(
          await foldOf(kit, counting({ store: 'documents' })),
        );
      });
    });
  });
}
