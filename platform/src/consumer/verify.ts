/**
 * Holds a view against a fold of the log, in key ranges, so that memory is bounded: one scan of the log folds the
 * documents of one range; the same range of the view is read as of one moment; the fold goes on to exactly that moment;
 * then both must be equal. It shares the projection's own functions with what made the view, and nothing else.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '@annals/contracts/kit/event';
import {
  type DomainEventBatch,
  type EventLog,
  type LogSubscription,
  UndecodableEvent,
} from '../event-log/log.ts';
import { EventStoreUnavailable, type Position } from '../event-store/port.ts';
import { progressBetween } from '../event-store/position.ts';
import type { Projection } from './projection.ts';
import { RangeFold } from './range-fold.ts';
import type { Verification, ViewSnapshot, ViewStore } from './store.ts';

/** A range of a verification. */
const PAGE = { rows: 5_000, bytes: 8 * 1024 * 1024 };
/** Documents compared in one turn of the loop. */
const COMPARED_AT_ONCE = 25;
/** How long a view may take to get to where the fold is. */
const KEEP_UP_MS = 60_000;
const POLL_MS = 50;
/** Differing keys that are named. */
const NAMED = 100;

/** A view to verify. */
export interface Subject {
  /** The live generation or the one beside. */
  readonly consumer: string;
  readonly projection: Projection;
}

export interface VerifyMeans {
  readonly store: ViewStore;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  /** Events of the log that are folded at once. Default: the log's own batches. */
  readonly batchSize?: number;
  /** Awaited after each batch and each few documents. Default: gives the loop a turn. */
  readonly rest?: () => Promise<unknown>;
}

/** What one range came to. */
export interface Comparison {
  readonly rows: number;
  readonly expectedRows: number;
  readonly differing: readonly string[];
  readonly parked: number;
}

/**
 * Verifies a whole view: one scan of the log per 5,000 documents or 8 MB of it. Documents with parked events and expired
 * ones are left out. `onProgress` is told 0 to 1. Throws where the view does not keep up with the log, and the signal's
 * reason.
 */
export async function verifyView(
  subject: Subject,
  means: VerifyMeans,
  onProgress: (fraction: number) => void = () => {},
): Promise<Verification> {
  const { store, log } = means;
  const total = Math.max(1, await store.count(subject.consumer));
  const hashes = [createHash('sha256'), createHash('sha256')] as const;
  const sum = { rows: 0, expectedRows: 0, differences: 0, parked: 0 };
  const differing: string[] = [];
  for (let after: string | null = null; ; ) {
    const upTo = await store.pageEnd(subject.consumer, after, PAGE);
    const page: RangeFold = new RangeFold(subject.projection, { after, upTo });
    const head = await log.head();
    const start = await log.start();
    const share = Math.min(PAGE.rows, total);
    await advance([page], means, {
      from: start,
      afterBatch: (through) =>
        onProgress(Math.min(1, (sum.rows + share * progressBetween(start, through, head)) / total)),
    });
    const found = await compare(subject, page, means, (side, text) => hashes[side].update(text));
    sum.rows += found.rows;
    sum.expectedRows += found.expectedRows;
    sum.differences += found.differing.length;
    sum.parked += found.parked;
    differing.push(...found.differing.slice(0, NAMED - differing.length));
    after = page.range.upTo;
    if (after === null) break;
  }
  const [hash, expectedHash] = hashes.map((one) => one.digest('hex'));
  return { ...sum, hash: hash ?? '', expectedHash: expectedHash ?? '', differing };
}

export interface AdvanceOptions {
  readonly from: Position;
  /** Default: the head. */
  readonly to?: Position;
  readonly afterBatch?: (through: Position) => void;
}

/** Folds the log on, in one scan for all `folds`. */
export async function advance(
  folds: readonly RangeFold[],
  { log, signal, batchSize, rest = nextTurn }: Omit<VerifyMeans, 'store'>,
  { from, to, afterBatch }: AdvanceOptions,
): Promise<void> {
  const types = new Set(folds.flatMap(({ projection }) => [...projection.handles]));
  const isWanted = ({ position }: DomainEvent) => to === undefined || position <= to;
  const subscription = { from, types, signal, ...(batchSize === undefined ? {} : { batchSize }) };
  for await (const { events, through, caughtUp } of decodable(log, subscription)) {
    const at = to !== undefined && through > to ? to : through;
    const wanted = events.filter(isWanted);
    for (const fold of folds) {
      for (const event of wanted) fold.take(event);
      fold.through = at;
    }
    afterBatch?.(at);
    await rest();
    if (to === undefined ? caughtUp : through >= to) return;
  }
  signal.throwIfAborted();
  throw new EventStoreUnavailable('the log has ended');
}

/** Passes over what cannot be decoded: a view that is past it was told to do so, too. */
async function* decodable(
  log: EventLog,
  subscription: LogSubscription & { readonly from: Position },
): AsyncGenerator<DomainEventBatch> {
  for (let { from } = subscription; ; ) {
    try {
      for await (const batch of log.subscribe({ ...subscription, from })) {
        from = batch.through;
        yield batch;
      }
      return;
    } catch (error) {
      if (!(error instanceof UndecodableEvent) || error.reason === 'newer') throw error;
      from = error.position;
    }
  }
}

/** Compares a fold with the same range of the view. `told` gets the documents of either side (0: the view) as text. */
export async function compare(
  { consumer, projection }: Subject,
  fold: RangeFold,
  means: VerifyMeans,
  told: (side: 0 | 1, text: string) => void = () => {},
): Promise<Comparison> {
  const { rest = nextTurn } = means;
  await reached(consumer, fold.through, means);
  const snapshot = await means.store.snapshot(consumer, fold.range);
  if (snapshot.position > fold.through)
    await advance([fold], means, { from: fold.through, to: snapshot.position });
  const keys = keysOf(snapshot, fold);
  const compared = comparedOf(projection, snapshot, fold);
  const counts: [number, number] = [0, 0];
  const count = (side: 0 | 1, key: string, text: string | null) => {
    if (text === null) return;
    counts[side]++;
    told(side, `${key}\n${text}\n`);
  };
  const differing = new Set(snapshot.skewed);
  for (const [index, key] of keys.entries()) {
    if (index % COMPARED_AT_ONCE === 0) await rest();
    const pair = compared(key);
    if (!pair) continue;
    const [actual, wanted] = pair;
    count(0, key, actual);
    count(1, key, wanted);
    if (actual !== wanted || fold.failed.has(key)) differing.add(key);
  }
  const parked = [...snapshot.parked].filter((key) => fold.covers(key)).length;
  const [rows, expectedRows] = counts;
  return { rows, expectedRows, differing: [...differing].sort(), parked };
}

/** Gives what the view holds and what it should hold of a key, as text; undefined for keys that are not compared. */
function comparedOf(projection: Projection, snapshot: ViewSnapshot, fold: RangeFold) {
  const now = new Date();
  const isExpired = (doc: object | undefined) => doc !== undefined && projection.isExpired?.(doc, now);
  return (key: string): readonly [actual: string | null, wanted: string | null] | undefined => {
    const [stored, expected] = [snapshot.docs.get(key), fold.docs.get(key)];
    if (snapshot.parked.has(key) || isExpired(stored) || isExpired(expected)) return undefined;
    return [textOf(stored), textOf(expected)];
  };
}

/** All keys of both, in one order. The fold may have become smaller than it was when the view was read. */
function keysOf({ docs }: ViewSnapshot, fold: RangeFold): readonly string[] {
  const keys = new Set([...fold.docs.keys(), ...fold.failed]);
  for (const key of docs.keys()) if (fold.covers(key)) keys.add(key);
  return [...keys].sort();
}

/** A document as text: equal for equal ones, whatever the order of their fields. */
function textOf(doc: object | undefined): string | null {
  return doc === undefined ? null : JSON.stringify(doc, inOrder);
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function reached(consumer: string, position: Position, { store, signal }: VerifyMeans): Promise<void> {
  const deadline = performance.now() + KEEP_UP_MS;
  for (;;) {
    const status = (await store.status()).find((one) => one.consumer === consumer);
    if (!status) throw new ViewGone(`${consumer} is not there any more`);
    if (status.position >= position || status.through >= position) return;
    if (performance.now() > deadline) throw new NotKeepingUp(`${consumer} does not get to ${position}`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The view was dropped meanwhile. */
export class ViewGone extends Error {
  override readonly name = 'ViewGone';
}

/** The view does not get to where the log is: it is held, or nobody folds it. */
export class NotKeepingUp extends Error {
  override readonly name = 'NotKeepingUp';
}
