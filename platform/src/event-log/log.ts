/**
 * The event log as services see it: domain events in, domain events out. Writing checks each event against the
 * catalogue and encrypts personal fields; reading upcasts and decrypts.
 */
import type { DomainEvent, EventMetadata } from '@annals/contracts/kit/event';
import type { AppendResult, ExpectedRevision, Position, ReadOptions } from '../event-store/port.ts';

/** A domain event to append: plaintext data of the newest version, whose number the log adds. */
export interface DomainEventInput {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Omit<EventMetadata, 'schemaVersion'>;
}

/** A batch of a log subscription: the wanted events, in position order. */
export interface DomainEventBatch {
  readonly events: readonly DomainEvent[];
  /** Everything up to here was scanned, wanted or not. */
  readonly through: Position;
  /** True where `through` was the head when the batch was read. */
  readonly caughtUp: boolean;
}

export interface LogSubscription {
  /** Exclusive. */
  readonly from: Position | 'start' | 'end';
  /** Event types to deliver, all of the catalogue; others only move `through`. Only these are decoded. */
  readonly types: ReadonlySet<string>;
  /** Events scanned per batch at most. */
  readonly batchSize?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/**
 * Reads and appends domain events. Errors are those of the event store and of the key store, and:
 * {@link UndecodableEvent} when reading; `UnreadablePersonalData` where a personal value does not open although its key
 * was not destroyed. Personal values whose key was destroyed read as `ERASED`.
 */
export interface EventLog {
  /**
   * As the store's `append`. Data or metadata that the catalogue refuses, and unknown types, are programming errors
   * and throw a TypeError; personal data of an erased person throws {@link SubjectErased}.
   */
  append(
    stream: string,
    events: readonly DomainEventInput[],
    expected: ExpectedRevision,
  ): Promise<AppendResult>;
  /** Of `types` alone, where given: others are not decoded. */
  read(
    stream: string,
    options?: ReadOptions & { readonly types?: ReadonlySet<string> },
  ): Promise<DomainEvent[]>;
  /** As the store's `subscribe`. What precedes an undecodable event is delivered before the error is thrown. */
  subscribe(options: LogSubscription): AsyncIterable<DomainEventBatch>;
  head(): Promise<Position>;
  start(): Promise<Position>;
  check(position: Position): Promise<void>;
}

/** The person's key was destroyed: nothing personal can be written about them any more. */
export class SubjectErased extends Error {
  override readonly name = 'SubjectErased';
  readonly subject: string;

  constructor(subject: string) {
    super(`${subject} has been erased`);
    this.subject = subject;
  }
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
