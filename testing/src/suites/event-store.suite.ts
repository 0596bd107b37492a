/** The contract of the event store port: every adapter passes it against the real thing. */
import type { EventStore } from '@annals/platform/event-store/port';
import { afterAll, beforeAll, describe } from 'vitest';
import { appendTests } from './event-store/append.ts';
import type { Adapter, Fixture, LogUnderTest } from './event-store/kit.ts';
import { lifecycleTests } from './event-store/lifecycle.ts';
import { readTests } from './event-store/read.ts';
import { subscribeTests } from './event-store/subscribe.ts';

export type { Adapter } from './event-store/kit.ts';

/** Runs the contract against an adapter. `name` tells the runs apart. */
export function eventStoreSuite(name: string, adapter: Adapter): void {
  describe(`event store: ${name}`, () => {
    let log: LogUnderTest;
    let store: EventStore;
    let other: EventStore;

    beforeAll(async () => {
      log = await adapter.createLog();
      store = await log.open();
      other = await log.open();
    });

    afterAll(async () => {
      await Promise.all([store.close(), other.close()]);
      await log.drop();
    });

    const fixture: Fixture = { adapter, log: () => log, store: () => store, other: () => other };
    appendTests(fixture);
    readTests(fixture);
    subscribeTests(fixture);
    lifecycleTests(fixture);
  });
}
