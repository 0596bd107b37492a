/**
 * The event log as services see it: domain events in, domain events out. Writing checks each event against the
 * catalogue and encrypts personal fields; reading upcasts and decrypts.
 */
import type { DomainEvent, EventMetadata } from '@annals/contracts/kit/event';
import type { AppendResult, ExpectedRevision, Position, ReadOptions } from '../event-store/port.ts';

/** A domain event to append: plaintext data of the newest version. */
export interface DomainEventInput {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: EventMetadata;
}

/** A batch of a log subscription. `newest` events of types this release does not know are reported, not decoded. */
export interface DomainEventBatch {
  readonly events: readonly DomainEvent[];
  readonly through: Position;
  readonly caughtUp: boolean;
}

export interface LogSubscription {
  readonly from: Position | 'start' | 'end';
  /** Event types to deliver; others only move `through`. Only these are decoded. */
  readonly types: ReadonlySet<string>;
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/** Reads and appends domain events. Errors are those of the event store, plus {@link UndecodableEvent}. */
export interface EventLog {
  append(stream: string, events: readonly DomainEventInput[], expected: ExpectedRevision): Promise<AppendResult>;
  read(stream: string, options?: ReadOptions): Promise<DomainEvent[]>;
  subscribe(options: LogSubscription): AsyncIterable<DomainEventBatch>;
  head(): Promise<Position>;
  start(): Promise<Position>;
  check(position: Position): Promise<void>;
}

/** An event that its upcaster or schema refuses, or that is newer than this release's catalogue. */
export class UndecodableEvent extends Error {
  override readonly name = 'UndecodableEvent';
  readonly position: Position;
  /** `newer`: a later release wrote it. `broken`: this release should know it and does not accept it. */
  readonly reason: 'newer' | 'broken';

  constructor(position: Position, reason: 'newer' | 'broken', message: string, cause?: unknown) {
    super(message, { cause });
    this.position = position;
    this.reason = reason;
  }
}
