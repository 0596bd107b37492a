/** What the tests of the event store suite share. */
import { randomUUID } from 'node:crypto';
import type { EventBatch, EventStore, NewEvent, StoredEvent } from '@annals/platform/event-store/port';

/** A log of its own for a test or a suite, on whatever the adapter needs. */
export interface LogUnderTest {
  /** Another store on the same log, as another process would see it. The suite closes it. */
  open(): Promise<EventStore>;
  /** Adapters with a server: cuts all connections to it. */
  restart?(): Promise<void>;
  drop(): Promise<void>;
}

/** An adapter as the suite runs it. */
export interface Adapter {
  /** An empty log, unless {@link hasOneLog}. */
  createLog(): Promise<LogUnderTest>;
  /** The log lives in a server, so that connections to it can be lost and it takes none of this process's memory. */
  readonly hasServer: boolean;
  /** There is but one log, somebody's: what takes an empty one, or two, is left out. */
  readonly hasOneLog?: boolean;
}

/** What a test gets: a log with two stores on it, as two processes would have. */
export interface Fixture {
  readonly adapter: Adapter;
  readonly log: () => LogUnderTest;
  readonly store: () => EventStore;
  readonly other: () => EventStore;
}

/** A stream that no other test uses. */
export function newStream(category = 'thing'): string {
  return `${category}-${randomUUID()}`;
}

export function newEvent(data: unknown = {}, type = 'ThingHappened'): NewEvent {
  return { id: randomUUID(), type, data, metadata: { commandId: randomUUID() } };
}

/** `count` events whose data is `{ n }`, from 0. */
export function newEvents(count: number): NewEvent[] {
  return Array.from({ length: count }, (_, n) => newEvent({ n }));
}

/** Takes batches until `isDone`, then ends the subscription. Gives everything delivered and each batch. */
export async function take(
  subscription: AsyncIterable<EventBatch>,
  isDone: (events: readonly StoredEvent[], batch: EventBatch) => boolean,
): Promise<{ events: StoredEvent[]; batches: EventBatch[] }> {
  const events: StoredEvent[] = [];
  const batches: EventBatch[] = [];
  for await (const batch of subscription) {
    batches.push(batch);
    events.push(...batch.events);
    if (isDone(events, batch)) break;
  }
  return { events, batches };
}

/** The next batch of a subscription read by hand. Throws where it has ended. */
export async function next(iterator: AsyncIterator<EventBatch>): Promise<EventBatch> {
  const result = await iterator.next();
  if (result.done) throw new Error('the subscription has ended');
  return result.value;
}

/** The error of a promise that must reject. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error: unknown) => error,
  );
}
