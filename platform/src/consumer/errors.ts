/** What can go wrong with a batch, and what that says about the events in it. */
import { type DomainEventBatch, UndecodableEvent } from '../event-log/log.ts';
import { EventStoreUnavailable, type Position } from '../event-store/port.ts';
import { isTransient as isTransientOfMongo } from '../mongodb/errors.ts';
import { isTransient as isTransientOfPostgres } from '../postgres/errors.ts';
import { TemporarilyUnavailable } from './reaction.ts';
import { type Hold, LeaseLost } from './store.ts';

/** True for errors that go away by themselves: the same batch is tried again. */
export function isTransient(error: unknown): boolean {
  const isAway = error instanceof EventStoreUnavailable || error instanceof TemporarilyUnavailable;
  return isAway || isTransientOfPostgres(error) || isTransientOfMongo(error);
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
 * What follows from an error. `lost`: the lease is another's. `newer`: leave the consumer to later releases. `passing`:
 * try again. `step`: the event at fault is at or before `until`; handle what lies before it, one by one. `hold`.
 */
export type Verdict =
  | { readonly kind: 'lost' | 'newer' | 'passing' }
  | { readonly kind: 'step'; readonly until: Position }
  | { readonly kind: 'hold'; readonly hold: Hold };

/** Judges an error. `isStepping`: events come one by one, so those before the one at fault are handled. */
export function judge(failure: unknown, isStepping: boolean): Verdict {
  const error = failure instanceof BatchFailed ? failure.cause : failure;
  if (error instanceof LeaseLost) return { kind: 'lost' };
  if (isTransient(error)) return { kind: 'passing' };
  if (error instanceof UndecodableEvent) {
    if (error.reason === 'newer') return { kind: 'newer' };
    return isStepping ? holdAt(error.position, error) : { kind: 'step', until: error.position };
  }
  if (!(failure instanceof BatchFailed)) return holdAt(null, error);
  const { events, through } = failure.batch;
  const isAlone = events.length === 1;
  return isAlone || isStepping
    ? holdAt(events[0]?.position ?? null, error)
    : { kind: 'step', until: through };
}

function holdAt(position: Position | null, error: unknown): Verdict {
  return { kind: 'hold', hold: { position, error: errorCode(error) } };
}
