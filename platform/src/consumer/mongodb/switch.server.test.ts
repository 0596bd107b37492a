import { type MongoKind, mongoKinds } from '@annals/testing/servers/mongodb';
import {
  at,
  claimOf,
  projectionOf,
  registrationOf,
  START,
  writes,
} from '@annals/testing/suites/consumer-store/kit';
import { describe, expect, test } from 'vitest';
import { besideOf, viewName } from '../projection.ts';
import { type Claim, GenerationBehind, LeaseLost } from '../store.ts';
import { startDatabase, textsIn } from './kit.fixture.ts';
import { createMongoViewStore } from './store.ts';

const kinds = mongoKinds.map((kind) => [kind.name, kind] as const);
/** Far fewer than a rebuild makes. */
const ATTEMPTS = 20;

describe.each(kinds)('on %s', (_, kind: MongoKind) => {
  test.skipIf(!kind.isThere)(
    'a switch comes about while both generations move all the time, and loses nothing',
    async () => {
      const mongo = await startDatabase(kind);
      const store = createMongoViewStore({ mongo });
      const projection = projectionOf('documents');
      const view = viewName(projection);
      await store.prepare([registrationOf(projection)], START);
      let live = await store.goLive(await claimOf(store, view, 'one'));
      await store.begin(view, START, 0);
      let beside = await store.goLive(await claimOf(store, besideOf(view), 'two'));
      let last = 0;
      const commit = (claim: Claim, n: number) =>
        store.commit(claim, at(n), writes({ upserts: { [`d${n}`]: { count: n, slug: '' } } }));
      // The one beside is always a commit behind or level, until one of them has lost its lease.
      const moving = (async () => {
        for (let n = 1; ; n++) {
          live = await commit(live, n);
          last = n;
          beside = await commit(beside, n);
        }
      })().catch((error: unknown) => error);

      const request = { consumer: view, action: 'switch' as const };
      const pending = { ...request, id: await store.request(request) };
      for (let attempt = 1; ; attempt++) {
        const error = await store.swap(pending, 'switched').catch((thrown: unknown) => thrown);
        if (error === undefined) break;
        expect(error).toBeInstanceOf(GenerationBehind);
        expect(attempt, 'it is always behind').toBeLessThan(ATTEMPTS);
      }
      expect(await moving).toBeInstanceOf(LeaseLost);
      expect((await store.status()).find(({ consumer }) => consumer === view)).toMatchObject({
        generation: 2,
        position: at(last),
      });
      expect((await textsIn(mongo, view)).size).toBe(last);
    },
  );
});
