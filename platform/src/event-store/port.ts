/**
 * The event log port. Its promise: what `append` acknowledged is durable; positions are unique, ordered and never
 * skipped by a subscriber; a stream's revisions are contiguous from 0. Every adapter passes the same contract suite
 * (`testing/src/suites/event-store.suite.ts`).
 */

/**
 * A position as text: `<log id>.<hex>`, of one width in a log, so positions of one log compare as text. Opaque to
 * callers.
 */
export type Position = string;

/** An event to append. `data` and `metadata` are JSON values; an event may not exceed {@link MAX_EVENT_BYTES}. */
export interface NewEvent {
  /** UUID; the same ids appended again at the same place count as the same append. */
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

/** An event as the log holds it. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  /** From 0, contiguous within the stream. */
  readonly revision: number;
  readonly position: Position;
}

/** What the stream's last revision must be: a revision, `none` for a stream that is not there, `any` for no check. */
export type ExpectedRevision = number | 'none' | 'any';

export interface AppendResult {
  /** Of the last event appended. */
  readonly revision: number;
  readonly position: Position;
}

export interface ReadOptions {
  /** First revision to return (inclusive). Default 0, or the last one when reading backwards. */
  readonly from?: number;
  /** Default: to the end. */
  readonly limit?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface SubscribeOptions {
  /** Exclusive. `start`: from the first event. `end`: from the head, read after the call; the first batch tells it. */
  readonly from: Position | 'start' | 'end';
  /** In-process predicate; what it refuses still moves `through`. */
  readonly filter?: (event: StoredEvent) => boolean;
  /** Events scanned per batch at most. Default 1,000. */
  readonly batchSize?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/** A run of events in position order. */
export interface EventBatch {
  /** Those that passed the filter; may be empty. */
  readonly events: readonly StoredEvent[];
  /** Everything up to here was scanned, matched or not. */
  readonly through: Position;
  /** True where `through` was the head when the batch was read. */
  readonly caughtUp: boolean;
}

export interface EventStore {
  /**
   * Appends all `events` to `stream` or none. Throws {@link RevisionConflict} where `expected` does not hold, except
   * that the same event ids at the place they were first appended to give the first result again; and, before
   * anything is sent, {@link EventTooLarge}, or TypeError where there is no event, no JSON or no such revision.
   * Any other error leaves the outcome unknown: retry with the same ids and the same `expected`.
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;
  /**
   * The stream's events; empty where there is no such stream. Reads of one turn of the loop go out
   * together.
   */
  read(stream: string, options?: ReadOptions): Promise<StoredEvent[]>;
  /**
   * Batches of events after `from`, without end, until `signal` aborts or the store closes. At the head one batch
   * says `caughtUp` (empty where nothing is new); afterwards batches come as events do. The next batch is read when
   * the consumer asks for it. Survives restarts of the server. Throws {@link UnknownPosition}. Subscriptions share the
   * events they deliver: never change them.
   */
  subscribe(options: SubscribeOptions): AsyncIterable<EventBatch>;
  /** The position of the last event; {@link start} where the log is empty. */
  head(): Promise<Position>;
  /** The position that the newest `count` events follow; {@link start} where the log has fewer. */
  beforeNewest(count: number): Promise<Position>;
  /** The position before the first event. */
  start(): Promise<Position>;
  /** Throws {@link UnknownPosition} for a position of another log or past the head. */
  check(position: Position): Promise<void>;
  /** Finishes appends under way, ends subscriptions, frees connections. */
  close(): Promise<void>;
}

export const MAX_EVENT_BYTES = 900 * 1024;

/** The stream is not at the revision expected. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly actual: number | 'none';

  constructor(stream: string, expected: ExpectedRevision, actual: number | 'none') {
    super(`${stream} is at ${actual}, not at ${expected}`);
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A position of another log, past the head, or no position at all. */
export class UnknownPosition extends Error {
  override readonly name = 'UnknownPosition';
}

/** An event is larger than {@link MAX_EVENT_BYTES}. */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
}

/** The store is closed, has lost its server for longer than it retries, or too much waits for it already. */
export class EventStoreUnavailable extends Error {
  override readonly name = 'EventStoreUnavailable';
}
