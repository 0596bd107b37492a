import {
  type ConsumerKit,
  type Count,
  counting,
  eventually,
  openConsumerKit,
} from '@annals/testing/consumer-kit';
import { type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { createListener } from '../../postgres/listener.ts';
import { createSharedConnections } from '../../postgres/shared-connections.ts';
import { createFreshness, type Freshness, type FreshOptions } from '../freshness.ts';
import { createMongoDocumentStore } from './document-store.ts';
import { newDatabase } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

const VIEW = 'counts_v1';

for (const kind of mongoKinds.slice(0, 2)) {
  describe.skipIf(!kind.isThere)(`fresh reads of documents in MongoDB: ${kind.name}`, () => {
    let server: MongoServer;
    let kit: ConsumerKit;
    let mongo: MongoDatabase;
    let freshness: Freshness;
    let close: () => Promise<void>;
    let isPoisoned = false;
    beforeAll(async () => {
      server = await kind.start();
    });
    afterAll(() => server?.remove());
    beforeEach(async () => {
      kit = await openConsumerKit();
      mongo = newDatabase(server);
      const { pool, url } = kit;
      const shared = createSharedConnections({ url, application: 'test' });
      const listener = createListener({ url, application: 'test' });
      const store = createMongoDocumentStore(mongo, (view) => view === VIEW);
      freshness = createFreshness({ pool, shared, listener, store });
      close = async () => {
        await freshness.close();
        await listener.close();
        await shared.end();
      };
      isPoisoned = false;
    });
    afterEach(async () => {
      await close();
      await kit.drop();
      await mongo.close();
    });

    const projection = () =>
      counting({
        store: 'documents',
        onEvolve: (key) => {
          if (key === 'poisoned' && isPoisoned) throw new TypeError('poison');
        },
      });
    const readCount = (key: string, options: FreshOptions<number | undefined>) =>
      freshness.read(
        [VIEW],
        options,
        async (_, documents) => (await documents.findByIds<Count>(VIEW, [key])).get(key)?.count,
      );

    test('an answer waits for the position asked for, and never claims more than it shows', async () => {
      const store = createMongoViewStore({ mongo });
      await kit.run('one', [projection()], { store });
      await kit.append(['Counted', { id: 'a', by: 1 }]);
      for (let count = 2; count <= 30; count++) {
        const minPosition = await kit.append(['Counted', { id: 'a', by: 1 }]);
        const fresh = await readCount('a', { minPosition, waitMs: 10_000, isQuick: count % 2 === 0 });
        expect(fresh.data).toBe(count);
        expect(fresh.position >= minPosition).toBe(true);
      }
    });

    test('what is read while documents change is never older than the position claimed', async () => {
      const store = createMongoViewStore({ mongo });
      await kit.run('one', [projection()], { store });
      const positions = [await kit.append(['Counted', { id: 'a', by: 1 }])];
      await eventually(async () => expect((await readCount('a', {})).data).toBe(1));
      const appending = (async () => {
        for (let count = 0; count < 60; count++)
          positions.push(await kit.append(['Counted', { id: 'a', by: 1 }]));
      })();
      for (let reads = 0; reads < 60; reads++) {
        const { data = 0, position } = await readCount('a', { isQuick: true });
        const claimed = positions.filter((one) => one <= position).length;
        expect(data).toBeGreaterThanOrEqual(claimed);
      }
      await appending;
    });

    test('a document with parked events is refused to who asks for their position, until it is repaired', async () => {
      const store = createMongoViewStore({ mongo });
      const consumers = await kit.run('one', [projection()], { store });
      await kit.append(['Counted', { id: 'poisoned', by: 1 }]);
      isPoisoned = true;
      const minPosition = await kit.append(['Counted', { id: 'poisoned', by: 1 }]);
      const options = {
        minPosition,
        waitMs: 10_000,
        resources: () => [{ view: VIEW, key: 'poisoned' }],
      };
      await expect(readCount('poisoned', options)).rejects.toMatchObject({ code: 'projection-parked' });
      const other = { ...options, resources: () => [{ view: VIEW, key: 'a' }] };
      expect((await readCount('a', other)).parked).toBe(1);
      isPoisoned = false;
      await consumers.request({ consumer: VIEW, action: 'retry', key: 'poisoned' });
      await eventually(async () => expect((await readCount('poisoned', options)).data).toBe(2));
    });
  });
}
