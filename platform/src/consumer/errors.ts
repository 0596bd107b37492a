/** What can go wrong with a batch, and what that says about the events in it. */
import { type DomainEventBatch, UndecodableEvent } from '../event-log/log.ts';
import { EventStoreUnavailable, type Position } from '../event-store/port.ts';
import { isTransient as isTransientOfPostgres } from '../postgres/errors.ts';
import { TemporarilyUnavailable } from './reaction.ts';

/** True for errors that go away by themselves: the same batch is tried again. */
export function isTransient(error: unknown): boolean {
  const isAway = error instanceof EventStoreUnavailable || error instanceof TemporarilyUnavailable;
  return isAway || isTransientOfPostgres(error);
}

/** What may be stored of an error: its code, or its class. Messages can quote data. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** More keys were poisoned within a minute than bad data explains: the consumer holds rather than park them all. */
export class TooManyParked extends Error {
  override readonly name = 'TooManyParked';
}

/** An error (`cause`) with the batch that met it. */
export class BatchFailed extends Error {
  override readonly name = 'BatchFailed';
  readonly batch: DomainEventBatch;

  constructor(batch: DomainEventBatch, cause: unknown) {
    super('the batch failed', { cause });
    this.batch = batch;
  }
}

/**
 * Where the event at fault is: `at` where it is known and all before it is handled, `within` where it is not after
 * that position, neither where no event is at fault.
 */
export interface Culprit {
  readonly at?: Position;
  readonly within?: Position;
}

/** Finds the event at fault. `isStepping`: events come one by one, so those before it are handled. */
export function culprit(failure: unknown, isStepping: boolean): Culprit {
  if (failure instanceof UndecodableEvent)
    return isStepping ? { at: failure.position } : { within: failure.position };
  if (!(failure instanceof BatchFailed)) return {};
  const [first, second] = failure.batch.events;
  return first && !second ? { at: first.position } : { within: failure.batch.through };
}
