/**
 * The consumer store port: where a consumer keeps its checkpoint and lease together with what it writes, so that all
 * of it moves in one transaction. Adapters: Postgres views (rows and JSONB-like documents) and Postgres reactions;
 * MongoDB is one more. Contract suite: `testing/src/suites/consumer-store.suite.ts`.
 */
import type { Position } from '../event-store/port.ts';
import type { Projection } from './projection.ts';

/** What a store must know of a consumer before it can run. */
export interface Registration {
  /** Unique, e.g. `article_list_v1`. */
  readonly consumer: string;
  /** Of what makes stored work outdated: the handled types and the shape of what is stored. */
  readonly fingerprint: string;
  /** The projection whose view the store keeps under the consumer's name; reactions have none. */
  readonly projection?: Projection;
}

/** A lease on a consumer: whoever holds the newest epoch may move its checkpoint. */
export interface Claim {
  readonly consumer: string;
  readonly epoch: number;
  /** The checkpoint: everything up to here is handled. */
  readonly position: Position;
  /** Had caught up with the log at least once. */
  readonly isLive: boolean;
  /** The event that an owner before could not get past: the next one to handle. */
  readonly heldAt: Position | null;
  /** How long a claim, a renewal and a commit keep the lease. */
  readonly leaseMs: number;
}

/** A claim to renew, and how far its owner has scanned beyond the checkpoint without finding anything to handle. */
export interface Holding {
  readonly claim: Claim;
  readonly through: Position;
}

/** `owner` is a running process that can run `consumer`. */
export interface Candidate {
  readonly consumer: string;
  readonly owner: string;
}

/** Another replica took the lease over: nothing of the batch was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor(claim: Claim) {
    super(`${claim.consumer} is no longer at ${claim.position} under epoch ${claim.epoch}`);
  }
}

/** A consumer's handled types or shape differ from what its stored work was made with. */
export class FingerprintChanged extends Error {
  override readonly name = 'FingerprintChanged';

  constructor(consumers: readonly string[]) {
    super(
      `changed without a new version: ${consumers.join(', ')}; raise the version so that it is built anew`,
    );
  }
}

/** The database refuses the writes of these keys for good (a value out of range, …): key → code. Nothing was written. */
export class WritesRefused extends Error {
  override readonly name = 'WritesRefused';
  readonly refused: ReadonlyMap<string, string>;

  constructor(refused: ReadonlyMap<string, string>, cause?: unknown) {
    super(`writes refused for ${[...refused.keys()].join(', ')}`, { cause });
    this.refused = refused;
  }
}

/** An event set aside for one key. Never a payload. */
export interface ParkedEvent {
  readonly key: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  /** The error's class or code; null for an event that merely queues behind a poisoned one. */
  readonly error: string | null;
}

/** The writes of one batch of a projection. */
export interface Writes {
  readonly upserts: ReadonlyMap<string, object>;
  readonly deletes: readonly string[];
  readonly parked: readonly ParkedEvent[];
}

/**
 * What an operator asks of a consumer; its lease's owner does it between two batches. `retry` folds a key's parked
 * events, `discard` forgets them, `skip` passes over the event at `position` that the consumer is held at.
 */
export type RepairRequest =
  | { readonly consumer: string; readonly action: 'retry' | 'discard'; readonly key: string }
  | { readonly consumer: string; readonly action: 'skip'; readonly position: Position };

/** A request that waits. */
export type PendingRequest = RepairRequest & { readonly id: string };

/** A request and what became of it; `outcome` is null while it waits. */
export type RequestStatus = PendingRequest & { readonly outcome: string | null };

/** A request carried out in a commit: its outcome, and the key whose queue of parked events it empties. */
export interface Repair {
  readonly request: PendingRequest;
  readonly outcome: string;
  readonly unparked?: string;
}

/** The event that a consumer cannot get past. */
export interface Hold {
  /** Null where the event is not known. */
  readonly position: Position | null;
  readonly error: string;
}

/** A consumer's state as operators see it. */
export interface ConsumerStatus {
  readonly consumer: string;
  readonly position: Position;
  /** Everything up to here was scanned; at least `position`. Written at most once a second. */
  readonly through: Position;
  readonly epoch: number;
  /** Null where nobody holds the lease, also where it has run out. */
  readonly owner: string | null;
  readonly leaseUntil: string | null;
  readonly isLive: boolean;
  readonly parkedKeys: number;
  readonly held: Hold | null;
  /** When the checkpoint last moved. */
  readonly updatedAt: string;
}

/** Checkpoints, leases and repairs of consumers that leave `Effects`. Errors of the database pass through as they are. */
export interface ConsumerStore<Effects> {
  /**
   * Makes tables, views and checkpoints (at `start`) where they are not there. Concurrent calls wait for each other.
   * Throws {@link FingerprintChanged}, then nothing was made.
   */
  prepare(registrations: readonly Registration[], start: Position): Promise<void>;

  /** Says for `ttlMs` that `owner` can run `consumers` (0: that it no longer can); gives all candidates of all consumers. */
  attend(owner: string, consumers: readonly string[], ttlMs: number): Promise<readonly Candidate[]>;
  /** Takes the lease where it is free, has run out or is already `owner`'s, with a new epoch; null where it is not. */
  claim(consumer: string, owner: string, leaseMs: number): Promise<Claim | null>;
  /** Extends all leases and stores `through`, in one statement. Gives the claims that have been lost. */
  renew(holdings: readonly Holding[]): Promise<readonly Claim[]>;
  /** Gives leases up; those lost already are left alone. */
  release(claims: readonly Claim[]): Promise<void>;

  /**
   * Moves the checkpoint to `to` and writes the effects, in one transaction. Throws {@link LeaseLost} where the
   * checkpoint is not where `claim` says, and {@link WritesRefused}; then nothing was written. Any other error leaves
   * the outcome unknown: claim again, the checkpoint tells.
   */
  commit(claim: Claim, to: Position, effects: Effects | null, repair?: Repair): Promise<Claim>;
  /** Says that the consumer has caught up. */
  goLive(claim: Claim): Promise<Claim>;
  /** Says what the consumer is held at; a commit that moves the checkpoint ends it. */
  hold(claim: Claim, hold: Hold): Promise<void>;

  /** All consumers of this database, by name. */
  status(): Promise<readonly ConsumerStatus[]>;
  /** Asks for a repair; gives the request's id. */
  request(request: RepairRequest): Promise<string>;
  /** Waiting requests for `consumers`, oldest first, 100 at most. */
  pending(consumers: readonly string[]): Promise<readonly PendingRequest[]>;
  /** The newest 100 requests; outcomes are kept for a day. */
  requests(): Promise<readonly RequestStatus[]>;
}

/** A consumer store that keeps views: one document or row per key. */
export interface ViewStore extends ConsumerStore<Writes> {
  /** The documents of those `keys` that have one, in one query. */
  load(consumer: string, keys: readonly string[]): Promise<ReadonlyMap<string, object>>;
  /** The keys with parked events. */
  parkedKeys(consumer: string): Promise<readonly string[]>;
  /** A key's parked events after `after`, in position order, at most `limit`. */
  parkedEvents(
    consumer: string,
    key: string,
    after: Position | null,
    limit: number,
  ): Promise<readonly ParkedEvent[]>;
}
