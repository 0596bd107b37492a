/**
 * The consumer store port: where a consumer keeps its checkpoint and lease together with what it writes, so that both
 * move in one transaction. Adapters: Postgres rows and JSONB documents, Postgres jobs (worker); MongoDB is one more.
 * Contract suite: `testing/src/suites/consumer-store.suite.ts`.
 */
import type { Position } from '../event-store/port.ts';
import type { Doc } from './projection.ts';

/** A lease on a consumer: whoever holds the newest epoch may move its checkpoint. */
export interface Claim {
  /** Unique consumer name, e.g. `article_list_v1`. */
  readonly consumer: string;
  readonly epoch: number;
  /** The checkpoint: everything up to here is handled. */
  readonly position: Position;
}

/** Another replica took the lease over: nothing of the batch was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
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

/** The writes of one batch. */
export interface Writes {
  readonly upserts: ReadonlyMap<string, Doc>;
  readonly deletes: readonly string[];
  readonly parked: readonly ParkedEvent[];
}

/** A consumer's state as operators see it. */
export interface ConsumerStatus {
  readonly consumer: string;
  readonly position: Position;
  /** Everything up to here was scanned; at least `position`. */
  readonly through: Position;
  readonly epoch: number;
  readonly owner: string | null;
  readonly leaseUntil: string | null;
  readonly isLive: boolean;
  readonly parkedKeys: number;
}
