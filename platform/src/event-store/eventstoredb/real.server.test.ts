/** The contract on a real EventStoreDB: `ANNALS_TEST_EVENTSTORE_URL`, or a container where a Docker engine answers. */
import { realEventStoreDb } from '@annals/testing/servers/eventstoredb';
import { eventStoreSuite } from '@annals/testing/suites/event-store.suite';
import { test, vi } from 'vitest';
import { createEventStoreDbEventStore } from './store.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

const real = await realEventStoreDb();

if (real === null) {
  test.skip('EventStoreDB: neither ANNALS_TEST_EVENTSTORE_URL nor a Docker engine is there', () => {});
} else {
  eventStoreSuite('EventStoreDB', {
    hasServer: true,
    hasOneLog: real.isOne,
    createLog: async () => {
      const { url, remove } = await real.open();
      return {
        open: () => createEventStoreDbEventStore({ url, application: 'event-store-suite' }),
        drop: remove,
      };
    },
  });
}
