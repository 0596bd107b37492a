import { type ConsumerKit, counting, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { type MongoKind, type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import type { Db } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { fingerprint } from '../fingerprint.ts';
import { done } from '../generations.fixture.ts';
import { deathTests } from '../interrupted-generations.fixture.ts';
import { consumerCollections } from './collections.ts';
import { foldOf, mixedEvents, newDatabase, textsIn } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

const VIEW = 'counts_v1';
const BESIDE = 'counts_v1_beside';

/** The database as it is for a process whose `write`th update fails, once. */
function failing(mongo: MongoDatabase, write: number): MongoDatabase {
  let writes = 0;
  const db = {
    collection(name: string) {
      const collection = mongo.db.collection(name);
      const updateOne: typeof collection.updateOne = async (...update) => {
        if (++writes === write) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        return collection.updateOne(...update);
      };
      return Object.assign(Object.create(collection), { updateOne });
    },
  };
  return { ...mongo, db: Object.assign(Object.create(mongo.db) as Db, db) };
}

for (const kind of mongoKinds) {
  describe.skipIf(!kind.isThere)(`generations in MongoDB: ${kind.name}`, () => generationTests(kind));
}

function generationTests(kind: MongoKind): void {
  let server: MongoServer;
  let mongo: MongoDatabase;
  let kit: ConsumerKit;
  beforeAll(async () => {
    server = await kind.start();
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    mongo = newDatabase(server);
    kit = await openConsumerKit();
  });
  afterEach(async () => {
    await kit.drop();
    await mongo.close();
  });
  const projection = counting({ store: 'documents' });

  test.each([1, 2, 3, 4, 5])(
    'a rebuild that fails at write %i of its switch goes on from there, and builds nothing twice',
    async (write) => {
      const { swap } = createMongoViewStore({ mongo: failing(mongo, write) });
      const store = { ...createMongoViewStore({ mongo }), swap };
      await kit.append(...mixedEvents(30));
      const consumers = await kit.run('one', [projection], { store });
      await eventually(async () => expect((await store.status())[0]?.isLive).toBe(true));
      expect((await done(consumers, 'rebuild')).outcome).toBe('switched');
      await kit.append(...mixedEvents(10));
      await eventually(async () => {
        const head = await kit.log.head();
        expect(await store.status()).toMatchObject([
          { consumer: VIEW, generation: 2, through: head },
          { consumer: BESIDE, generation: 1, through: head },
        ]);
      });
      const right = await foldOf(kit, projection);
      for (const consumer of [VIEW, BESIDE]) expect(await textsIn(mongo, consumer)).toEqual(right);
      expect((await done(consumers, 'rollback')).outcome).toBe('rolled back');
    },
  );

  deathTests(() => ({ kit, store: createMongoViewStore({ mongo }), projection }));

  test('a version whose drop was interrupted leaves no collection once it is dropped again', async () => {
    const store = createMongoViewStore({ mongo });
    const old = await kit.run('old', [projection], { store });
    await kit.append(...mixedEvents(10));
    await eventually(async () => expect((await store.status())[0]?.isLive).toBe(true));
    await old.stop();
    const consumers = await kit.run('new', [counting({ store: 'documents', version: 2 })], { store });
    await consumerCollections(mongo.db).checkpoints.deleteOne({ _id: VIEW });
    expect((await done(consumers, 'drop')).outcome).toBe('dropped');
    const names = (await mongo.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('views.'))).toEqual(['views.counts_v2']);
  });

  describe('an old version', () => {
    /** Stopped as it should be, where the next one has taken its place. */
    const replaced = async () => {
      const store = createMongoViewStore({ mongo });
      const isLive = async (view: string) =>
        (await store.status()).find(({ consumer }) => consumer === view)?.isLive;
      const old = await kit.run('old', [projection], { store });
      await kit.append(...mixedEvents(10));
      await eventually(async () => expect(await isLive(VIEW)).toBe(true));
      await old.stop();
      await kit.run('new', [counting({ store: 'documents', version: 2 })], { store });
      await eventually(async () => expect(await isLive('counts_v2')).toBe(true));
      const seenUntil = (minutesAgo: number) =>
        consumerCollections(mongo.db).candidates.updateMany(
          { consumer: VIEW },
          { $set: { seenUntil: new Date(Date.now() - minutesAgo * 60_000) } },
        );
      return { store, isLive: () => isLive(VIEW), seenUntil };
    };

    test('is as old as its last process, however long ago its last event was, and is dropped after a day', async () => {
      const { store, seenUntil } = await replaced();
      const updatedAt = new Date(Date.now() - 3 * 24 * 60 * 60_000);
      await consumerCollections(mongo.db).checkpoints.updateOne({ _id: VIEW }, { $set: { updatedAt } });
      expect(await store.outdated(60_000)).toEqual([]);
      await seenUntil(23 * 60);
      await store.attend('new', ['counts_v2'], 60_000);
      expect(await store.outdated(24 * 60 * 60_000)).toEqual([]);
      await seenUntil(25 * 60);
      expect(await store.outdated(24 * 60 * 60_000)).toEqual([VIEW]);
    });

    test('that comes back is live once it has caught up, not before', async () => {
      const { store, isLive, seenUntil } = await replaced();
      const registrations = [{ consumer: VIEW, fingerprint: fingerprint(projection), projection }];
      await store.prepare(registrations, await kit.log.start());
      expect(await isLive()).toBe(true);
      await seenUntil(11);
      await store.prepare(registrations, await kit.log.start());
      expect(await isLive()).toBe(false);
      await kit.run('old again', [projection], { store });
      await eventually(async () => expect(await isLive()).toBe(true));
    });
  });
}
