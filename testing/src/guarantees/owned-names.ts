/** Who owns which unique name, by the log alone. */

import type { DomainEvent } from '@annals/contracts/kit/event';
import type { EventStoreConfig } from '@annals/platform/event-store/open';
import { expect } from 'vitest';
import { readLog } from './log-reader.ts';

/** The streams that own names, by the name's reservation; fails where two ever owned one at once. */
export async function expectOneOwnerEach(address: EventStoreConfig): Promise<ReadonlyMap<string, string>> {
  const events = (await readLog(address)) as unknown as readonly DomainEvent[];
  const owners = new Map<string, string>();
  const twice: string[] = [];
  for (const { stream, metadata } of events) {
    for (const { key } of metadata.releases ?? []) owners.delete(key);
    for (const { key } of metadata.claims ?? []) {
      const owner = owners.get(key);
      if (owner !== undefined && owner !== stream) twice.push(`${key}: ${owner} and ${stream}`);
      owners.set(key, stream);
    }
  }
  expect(twice, 'names that two owned').toEqual([]);
  return owners;
}
