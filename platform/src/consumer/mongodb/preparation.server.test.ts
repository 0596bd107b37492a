import { type MongoKind, mongoKinds } from '@annals/testing/servers/mongodb';
import { projectionOf, registrationOf, START } from '@annals/testing/suites/consumer-store/kit';
import type { Db } from 'mongodb';
import { describe, expect, test, vi } from 'vitest';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { firstCollection } from './collections.ts';
import { startDatabase } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

/** The database as it is for a process whose collections of views make indexes as `createIndexes` does. */
function indexing(mongo: MongoDatabase, createIndexes: () => Promise<string[]>): MongoDatabase {
  const db = {
    collection(name: string) {
      const collection = mongo.db.collection(name);
      return name.startsWith('views.')
        ? Object.assign(Object.create(collection), { createIndexes })
        : collection;
    },
  };
  return { ...mongo, db: Object.assign(Object.create(mongo.db) as Db, db) };
}

const kinds = mongoKinds.map((kind) => [kind.name, kind] as const);

describe.each(kinds)('on %s', (_, kind: MongoKind) => {
  /** A view whose process died when its collection was made and its index was not. */
  const abandoned = async () => {
    const mongo = await startDatabase(kind);
    const registration = registrationOf(projectionOf('documents'));
    const dying = () => Promise.reject(new Error('killed'));
    const store = createMongoViewStore({ mongo: indexing(mongo, dying) });
    await expect(store.prepare([registration], START)).rejects.toThrow('killed');
    const collection = mongo.db.collection(firstCollection(registration.consumer));
    const indexes = async () => (await collection.indexes()).map(({ name }) => name);
    expect(await indexes()).toEqual(['_id_']);
    return { mongo, registration, indexes };
  };

  test.skipIf(!kind.isThere)('an index that a crash left out is made at the next start', async () => {
    const { mongo, registration, indexes } = await abandoned();
    const store = createMongoViewStore({ mongo });
    for (let start = 0; start < 2; start++) {
      await store.prepare([registration], START);
      await expect.poll(indexes).toEqual(['_id_', 'doc.slug_1']);
    }
  });

  test.skipIf(!kind.isThere)('nobody waits for an index of what is folded already', async () => {
    const { mongo, registration } = await abandoned();
    const building = vi.fn(() => new Promise<string[]>(() => {}));
    await createMongoViewStore({ mongo: indexing(mongo, building) }).prepare([registration], START);
    expect(building).toHaveBeenCalledOnce();
  });
});
