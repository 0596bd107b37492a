/** What tests of reservations look at, and what they do in the worker's place. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import { uuidv7 } from '@annals/platform/uuid';
import type { Replica } from '../commands/harness.fixture.ts';

/** Streams by the unique key that they own, from their own events; throws where two own one. */
export function ownersOf(events: readonly DomainEvent[]): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { stream, metadata } of events) {
    for (const { key } of metadata.releases ?? []) owners.delete(key);
    for (const { key } of metadata.claims ?? []) {
      const owner = owners.get(key);
      if (owner && owner !== stream) throw new Error(`${key} is owned by ${owner} and by ${stream}`);
      owners.set(key, stream);
    }
  }
  return owners;
}

/** What the worker does with everything that these events gave up. */
export async function releaseAll(replica: Replica, events: readonly DomainEvent[]): Promise<void> {
  for (const { stream, metadata } of events) {
    for (const { key, attempt } of metadata.releases ?? []) {
      await replica.reservations.release(
        key,
        { by: stream, attempt },
        {
          commandId: uuidv7(),
          correlationId: uuidv7(),
          traceparent: undefined,
          now: new Date().toISOString(),
          actor: { kind: 'service', id: 'worker' },
        },
      );
    }
  }
}
