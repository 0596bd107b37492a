import { randomBytes } from 'node:crypto';
import { type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import { consumerStoreSuite, type StoreUnderTest } from '@annals/testing/suites/consumer-store.suite';
import { documentsSuite } from '@annals/testing/suites/documents.suite';
import { afterAll, beforeAll, describe } from 'vitest';
import { openMongo } from '../../mongodb/database.ts';
import type { Documents } from '../../read-store/documents.ts';
import { consumerCollections, firstCollection } from './collections.ts';
import { createMongoDocumentStore } from './document-store.ts';
import { textsIn } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

for (const kind of mongoKinds) {
  describe.skipIf(!kind.isThere)(kind.name, () => {
    let server: MongoServer;
    beforeAll(async () => {
      server = await kind.start();
    });
    afterAll(() => server?.remove());

    const open = async (): Promise<StoreUnderTest & { readonly documents: Documents }> => {
      const url = server.url(`annals_test_${randomBytes(4).toString('hex')}`);
      const mongo = openMongo({ url, application: 'test' });
      const second = kind.isSerial ? mongo : openMongo({ url, application: 'test' });
      const reader = createMongoDocumentStore(mongo, () => true);
      return {
        store: createMongoViewStore({ mongo }),
        other: createMongoViewStore({ mongo: second }),
        documents: {
          findByIds: (view, ids) => reader.read([view], (_, documents) => documents.findByIds(view, ids)),
          findBy: (view, field, value) =>
            reader.read([view], (_, documents) => documents.findBy(view, field, value)),
          findWith: (view, named, reference) =>
            reader.read([view, reference.view], (_, documents) => documents.findWith(view, named, reference)),
        },
        async texts(consumer) {
          return textsIn(mongo, consumer);
        },
        async tables(view) {
          const all = await mongo.db.listCollections({}, { nameOnly: true }).toArray();
          const first = firstCollection(view);
          const isOfView = (name: string) => name === first || name.startsWith(`${first}.`);
          return all
            .map(({ name }) => name)
            .filter(isOfView)
            .sort();
        },
        async beginDrop(consumer) {
          await consumerCollections(mongo.db).checkpoints.deleteOne({ _id: consumer });
        },
        async expireLease(consumer) {
          const leaseUntil = new Date(Date.now() - 60_000);
          const { checkpoints } = consumerCollections(mongo.db);
          await checkpoints.updateOne({ _id: consumer }, { $set: { leaseUntil } });
        },
        async drop() {
          await mongo.close();
          await second.close();
        },
      };
    };

    consumerStoreSuite('MongoDB documents', {
      kind: 'documents',
      open,
      refused: { count: 1, slug: 'a', more: { 'a\u0000b': 1 } },
      isAtomic: kind.hasTransactions,
      large: kind.isSerial ? 40 : 500,
    });
    documentsSuite('MongoDB', { open });
  });
}
