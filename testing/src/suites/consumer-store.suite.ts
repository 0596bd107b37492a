/** The contract of the consumer store port, as stores of views have to keep it; every adapter passes it. */
import { afterAll, beforeAll, describe } from 'vitest';
import { generationTests } from './consumer-store/generations.ts';
import type { StoreAdapter, StoreUnderTest } from './consumer-store/kit.ts';
import { leaseTests } from './consumer-store/leases.ts';
import { writingTests } from './consumer-store/writing.ts';

export type { StoreAdapter, StoreUnderTest } from './consumer-store/kit.ts';

/** Runs the contract against an adapter. `name` tells the runs apart. */
export function consumerStoreSuite(name: string, adapter: StoreAdapter): void {
  describe(`consumer store: ${name}`, () => {
    let opened: StoreUnderTest;
    beforeAll(async () => {
      opened = await adapter.open();
    });
    afterAll(() => opened.drop());

    const fixture = { adapter, it: () => opened };
    leaseTests(fixture);
    writingTests(fixture);
    generationTests(fixture);
  });
}
