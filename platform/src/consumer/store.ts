/**
 * The consumer store port: where a consumer keeps its checkpoint and lease together with what it writes, so that all
 * of it moves in one transaction. Adapters: Postgres views (rows and JSON documents), Postgres reactions, MongoDB views
 * (documents). Contract suite: `testing/src/suites/consumer-store.suite.ts`.
 */
import type { Position } from '../event-store/port.ts';
import type { Projection } from './projection.ts';

/** What a store must know of a consumer before it can run. */
export interface Registration {
  /** Unique, e.g. `article_list_v4`. */
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
  /** Of each key that is written: the last event folded into it. */
  readonly positions: ReadonlyMap<string, Position>;
}

/** Documents as a store holds them. */
export interface Loaded {
  readonly docs: ReadonlyMap<string, object>;
  /**
   * Where a document may be ahead of the checkpoint: the last event folded into it, or into its deletion. Events up to
   * there must not be folded into it again.
   */
  readonly reached: ReadonlyMap<string, Position>;
}

/**
 * What an operator asks of a consumer; its lease's owner does it between two batches. `retry` folds a key's parked
 * events, `discard` forgets them, `skip` passes over the event at `position` where the consumer is held at it by then,
 * `replay` goes back to `position` and handles all events after it again.
 */
export type RepairRequest =
  | { readonly consumer: string; readonly action: 'retry' | 'discard'; readonly key: string }
  | { readonly consumer: string; readonly action: 'skip'; readonly position: Position }
  | { readonly consumer: string; readonly action: 'replay'; readonly position: Position };

/**
 * What an operator asks of a view as a whole; its lease's owner does it beside the folding. `build` folds a new
 * generation beside the live one and verifies it; `rebuild` then makes it live. `switch` and `rollback` make the newer or
 * the older one live that stands beside; `drop` ends it. `verify` holds the live one against a fold of the log.
 */
export interface GenerationRequest {
  readonly consumer: string;
  readonly action: 'build' | 'rebuild' | 'switch' | 'rollback' | 'drop' | 'verify';
}

/** True for what is about a view as a whole. */
export function isAboutGenerations(request: PendingRequest): request is PendingGeneration {
  return !['retry', 'discard', 'skip', 'replay'].includes(request.action);
}

/** Requests that wait. */
export type PendingRepair = RepairRequest & { readonly id: string };
export type PendingGeneration = GenerationRequest & { readonly id: string };
export type PendingRequest = PendingRepair | PendingGeneration;

/** How far a {@link GenerationRequest} is, and what a verification found. */
export interface RequestReport {
  readonly phase: 'building' | 'verifying' | 'switching' | 'done';
  /** Of the phase, 0 to 1. */
  readonly fraction: number;
  /** When the phase began, RFC 3339. */
  readonly since: string;
  /** The event that the generation is held at while it is built. */
  readonly held?: Hold;
  readonly verification?: Verification;
}

/** A view held against a fold of the log. */
export interface Verification {
  /** Documents in the view, and those that the fold gives. */
  readonly rows: number;
  readonly expectedRows: number;
  /** SHA-256 over keys and documents in key order, of both. */
  readonly hash: string;
  readonly expectedHash: string;
  /** How many documents differ, are missing, too many, or have columns that do not follow from them. */
  readonly differences: number;
  /** The first 100 of their keys. */
  readonly differing: readonly string[];
  /** Documents with parked events: not compared. */
  readonly parked: number;
}

/** A request and what became of it; `outcome` is null while it waits. */
export type RequestStatus = PendingRequest & {
  readonly outcome: string | null;
  readonly report: RequestReport | null;
};

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
  /** Counts how often the view was begun; of two that stand beside each other the greater is the newer. */
  readonly generation: number;
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
   * Makes tables, views and checkpoints (at `start`) where they are not there; a view whose checkpoint is made begins
   * empty. Concurrent calls wait for each other.
   * Throws {@link FingerprintChanged}, then nothing was made.
   */
  prepare(registrations: readonly Registration[], start: Position): Promise<void>;

  /** Says for `ttlMs` that `owner` can run `consumers` (0: that it no longer can); gives all candidates of all consumers. */
  attend(owner: string, consumers: readonly string[], ttlMs: number): Promise<readonly Candidate[]>;
  /** Takes the lease where it is free, has run out or is already `owner`'s, with a new epoch; null where it is not. */
  claim(consumer: string, owner: string, leaseMs: number): Promise<Claim | null>;
  /** Extends all leases and stores `through`. Gives the claims that have been lost. */
  renew(holdings: readonly Holding[]): Promise<readonly Claim[]>;
  /** Gives leases up; those lost already are left alone. */
  release(claims: readonly Claim[]): Promise<void>;

  /**
   * Moves the checkpoint to `to` and writes the effects, in one transaction. Throws {@link LeaseLost} where the
   * checkpoint is not where `claim` says, and {@link WritesRefused}; then nothing was written. Any other error leaves
   * the outcome unknown: claim again, the checkpoint tells. On a MongoDB server without transactions documents may be
   * written though the checkpoint does not move; they say so themselves, see {@link Loaded.reached}.
   */
  commit(claim: Claim, to: Position, effects: Effects | null, repair?: Repair): Promise<Claim>;
  /** Says that the consumer has caught up. */
  goLive(claim: Claim): Promise<Claim>;
  /** Says what the consumer is held at; a commit that moves the checkpoint, forward or back, ends it. */
  hold(claim: Claim, hold: Hold): Promise<void>;

  /** All consumers of this database, by name. */
  status(): Promise<readonly ConsumerStatus[]>;
  /** Asks for something; gives the request's id. */
  request(request: RepairRequest | GenerationRequest): Promise<string>;
  /** Waiting requests for `consumers`, and those to drop what nobody attends; oldest first, 100 at most. */
  pending(consumers: readonly string[]): Promise<readonly PendingRequest[]>;
  /** The newest 100 requests; outcomes are kept for a day. */
  requests(): Promise<readonly RequestStatus[]>;
}

/** The generation beside the live one lacks events that the live one reflects. Nothing was changed. */
export class GenerationBehind extends Error {
  override readonly name = 'GenerationBehind';
}

/** Keys after `after` up to and including `upTo`, compared bytewise; null is no bound. */
export interface KeyRange {
  readonly after: string | null;
  readonly upTo: string | null;
}

/** A part of a view, all as of one moment. */
export interface ViewSnapshot {
  readonly position: Position;
  readonly through: Position;
  readonly docs: ReadonlyMap<string, object>;
  /** Keys of the range with parked events. */
  readonly parked: ReadonlySet<string>;
  /** Keys whose derived columns do not follow from their document. */
  readonly skewed: readonly string[];
}

/**
 * A consumer store that keeps views: one document or row per key. A second generation of a view may stand beside the
 * live one. It is a consumer of its own, `besideOf(consumer)`, with lease, checkpoint, parked events and fingerprint of
 * its own, and whoever can run the one can run the other.
 */
export interface ViewStore extends ConsumerStore<Writes> {
  /** The documents of those `keys` that have one, in one query. */
  load(consumer: string, keys: readonly string[]): Promise<Loaded>;
  /** The keys with parked events. */
  parkedKeys(consumer: string): Promise<readonly string[]>;
  /** A key's parked events after `after`, in position order, at most `limit`. */
  parkedEvents(
    consumer: string,
    key: string,
    after: Position | null,
    limit: number,
  ): Promise<readonly ParkedEvent[]>;

  /**
   * Begins a generation beside the live one, empty and at `start`, unless a newer one is there already. One that is
   * older is dropped first, which takes `graceMs`.
   */
  begin(consumer: string, start: Position, graceMs: number): Promise<void>;
  /**
   * Swaps the two generations with all that belongs to them, and carries `request` out, in one transaction: a reader
   * that has read a checkpoint finds in the view what that checkpoint says, before and after. Both leases become free,
   * with epochs greater than any given before. Throws {@link GenerationBehind}.
   */
  swap(request: PendingGeneration, outcome: string): Promise<void>;
  /**
   * Ends a generation beside or a version: checkpoint, lease and parked events at once, the view after `graceMs`, when
   * whoever folded it has noticed, unless another one has begun under its name meanwhile. May be done again: of a
   * version that is gone it drops what is left.
   */
  drop(consumer: string, graceMs: number): Promise<void>;
  /**
   * Names what may be dropped: older generations that were live more than `ageMs` ago, and versions that nobody has
   * attended for that long while another version of the same view is live and attended.
   */
  outdated(ageMs: number): Promise<readonly string[]>;
  /**
   * Ends drops that somebody died in: drops views that have had no checkpoint whenever this was called in the last
   * `ageMs`, at least; others may be about to be used, or to be dropped. Names them as the database does.
   */
  dropLeft(ageMs: number): Promise<readonly string[]>;

  /** How many documents there are. */
  count(consumer: string): Promise<number>;
  /** Where a page of the view ends that begins after `after`: at most `rows` documents of `bytes` in all, at least one; null where all the rest fits. */
  pageEnd(
    consumer: string,
    after: string | null,
    limits: { readonly rows: number; readonly bytes: number },
  ): Promise<string | null>;
  /** Reads a part of a view, all as of one moment. */
  snapshot(consumer: string, range: KeyRange): Promise<ViewSnapshot>;

  /** Says how far a request is. */
  report(request: PendingGeneration, report: RequestReport): Promise<void>;
  /** Says what became of a request, unless that was said before. */
  finish(request: PendingGeneration, outcome: string, report: RequestReport | null): Promise<void>;
}
