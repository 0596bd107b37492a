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
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { viewName } from '../projection.ts';
import { foldOf, mixedEvents, newDatabase, textsIn } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

/** Those that run here as processes. */
const kinds = mongoKinds.slice(0, 2);

for (const kind of kinds) {
  describe.skipIf(!kind.isThere)(`a MongoDB that dies under a projector: ${kind.name}`, () => {
    let server: MongoServer;
    let mongo: MongoDatabase;
    let kit: ConsumerKit;
    beforeAll(async () => {
      server = await kind.start();
      mongo = newDatabase(server);
      kit = await openConsumerKit();
    });
    afterAll(async () => {
      await kit?.drop();
      await mongo?.close();
      await server?.remove();
    });

    test(`${kind.hasTransactions ? 'undoes' : 'keeps'} the documents of a commit that dies before its checkpoint moves`, async () => {
      const projection = projectionOf('documents');
      const faults = () => {
        throw new Error('died');
      };
      const store = createMongoViewStore({ mongo, faults });
      await store.prepare([registrationOf(projection)], START);
      const claim = await claimOf(store, viewName(projection), 'one');
      const dying = store.commit(claim, at(1), writes({ upserts: { a: { count: 1, slug: '' } } }));
      await expect(dying).rejects.toThrow('died');
      expect((await textsIn(mongo, claim.consumer)).size).toBe(kind.hasTransactions ? 0 : 1);
    });

    test('delays the views and loses nothing', async () => {
      const projection = counting({ store: 'documents' });
      const store = createMongoViewStore({ mongo });
      await kit.append(...mixedEvents(50));
      await kit.run('one', [projection], { store });
      for (const round of [1, 2]) {
        await eventually(async () => expect((await store.status())[0]?.through).toBe(await kit.log.head()));
        const appending = kit.append(...mixedEvents(100 * round));
        await server.kill();
        await appending;
        await kit.append(...mixedEvents(50));
        await server.restart();
      }
      await eventually(async () => expect((await store.status())[0]?.through).toBe(await kit.log.head()));
      expect(await textsIn(mongo, 'counts_v1')).toEqual(await foldOf(kit, projection));
    });
  });
}
