/** Reactions: consumers whose effects are not a view, written in the same transaction as their checkpoint. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { PoolClient } from 'pg';

/** Writes within the transaction that moves the checkpoint; for instance adds jobs. */
export type PostgresEffects = (client: PoolClient) => Promise<void>;

/** What a reaction needs is away for now. */
export class TemporarilyUnavailable extends Error {
  override readonly name = 'TemporarilyUnavailable';
}

/** A consumer that answers events with effects. */
export interface ReactionConsumer<Effects = PostgresEffects> {
  readonly kind: 'reaction';
  /** snake_case; with the version it names the consumer. A new version sees all events again. */
  readonly name: string;
  readonly version: number;
  readonly handles: ReadonlySet<string>;
  /** Set where `handles` is whatever the catalogue knows: further types then need no new version. */
  readonly isOpenEnded?: boolean;
  /** Events of one batch at most, while it is behind. Default 1,000. */
  readonly batchSize?: number;
  /** Set where operators may have events handled again. */
  readonly isReplayable?: boolean;
  /**
   * What follows from `events`; called again with the same events until the effects are committed. An event that
   * makes it throw holds the consumer until it no longer throws or an operator skips the event; after
   * {@link TemporarilyUnavailable} and errors of connections they come again by themselves, with backoff.
   */
  handle(events: readonly DomainEvent[]): Promise<Effects>;
}
