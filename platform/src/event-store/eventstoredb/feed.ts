/** The live end of the log: one subscription at a time, begun anew wherever it may have ended. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AllStreamSubscription, excludeSystemEvents, START } from '@eventstore/db-client';
import type { Logger } from 'pino';
import { backoff } from '../../postgres/backoff.ts';
import type { LogPage } from '../live.ts';
import type { Position } from '../port.ts';
import type { TailEvent } from '../tail.ts';
import type { Connection } from './connection.ts';
import { isTransient, NoAnswer } from './errors.ts';
import { isOfSystem, recordOf, toStoredEvent } from './events.ts';
import { sizeOf } from './log-reader.ts';
import { isBefore, parsePlace, START_PLACE } from './places.ts';

/** Records that the server looks at between two pages of its own. */
const SEARCH_WINDOW = 2_000;
/** After so long without an event the head is looked at; where it is still ahead the next time, the subscription is dead. */
const WATCH_MS = 2_000;

export interface FeedOptions {
  readonly connection: Connection;
  readonly log: string;
  readonly head: () => Promise<Position>;
  readonly logger?: Logger | undefined;
  /** Default 2,000 ms. */
  readonly watchMs?: number | undefined;
}

/**
 * What follows `from`, each event once, for ever. The client's subscriptions do not come back by themselves, and some
 * that are dead do not say so; another one begins after the last event that was delivered. Never after a checkpoint:
 * checkpoints may run ahead of what was delivered.
 */
export async function* feed(
  options: FeedOptions,
  from: Position,
  signal: AbortSignal,
): AsyncGenerator<LogPage, void, undefined> {
  let cursor = from;
  for (let failures = 0; !signal.aborted; failures++) {
    const subscription = new Subscription(options, cursor);
    try {
      for await (const page of subscription.pages(signal)) {
        const delivered = page.entries.at(-1)?.event.position;
        if (delivered !== undefined) failures = 0;
        cursor = delivered ?? cursor;
        yield page;
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
      options.logger?.warn({ err: error, cursor }, 'following EventStoreDB failed; it is begun anew');
    } finally {
      subscription.end();
    }
    await sleep(backoff(failures), undefined, { signal }).catch(() => {});
  }
}

class Subscription {
  readonly #options: FeedOptions;
  readonly #events: AllStreamSubscription;
  readonly #client: Connection['client'];
  #error: unknown;
  #hasEnded = false;
  #wake: () => void = () => {};
  #cursor: Position;
  /** Live once it has got here; undefined where the head has to be read. */
  #target: Position | undefined;
  #targetReadAt = 0;
  /** The server says that it is live. Servers before 23.10 never do, and do not say when it no longer is. */
  #isToldLive = false;

  constructor(options: FeedOptions, cursor: Position) {
    this.#options = options;
    this.#cursor = cursor;
    this.#client = options.connection.client;
    const place = parsePlace(options.log, cursor);
    this.#events = this.#client.subscribeToAll({
      fromPosition: isBefore(START_PLACE, place) ? place : START,
      filter: excludeSystemEvents({ maxSearchWindow: SEARCH_WINDOW }),
      requiresLeader: true,
    });
    this.#events.on('readable', () => this.#wake());
    this.#events.on('caughtUp', () => {
      this.#isToldLive = true;
    });
    this.#events.on('fellBehind', () => {
      this.#isToldLive = false;
      this.#target = undefined;
      this.#wake();
    });
    // Emitted, the client goes on as if nothing had been: nothing comes after it.
    this.#events.on('error', (error) => this.#fail(error));
    for (const end of ['end', 'close']) {
      this.#events.on(end, () => this.#fail(new NoAnswer('the subscription ended')));
    }
  }

  /** Throws what the subscription ends with. */
  async *pages(signal: AbortSignal): AsyncGenerator<LogPage, void, undefined> {
    let isHead = false;
    while (!signal.aborted) {
      const entries = this.#take();
      if (entries.length > 0) this.#doubtTarget();
      const wasHead: boolean = isHead;
      isHead = this.#hasReachedTarget();
      if (entries.length > 0 || isHead !== wasHead) yield { entries, isHead };
      if (this.#events.readableLength > 0) continue;
      if (this.#hasEnded) throw this.#error;
      if (this.#target === undefined) await this.#readTarget();
      else await this.#news(signal);
    }
  }

  #hasReachedTarget(): boolean {
    return this.#target !== undefined && this.#cursor >= this.#target && this.#events.readableLength === 0;
  }

  /** Where the server does not tell, what was the head a while ago says nothing. */
  #doubtTarget(): void {
    const { watchMs = WATCH_MS } = this.#options;
    if (!this.#isToldLive && performance.now() > this.#targetReadAt + watchMs) this.#target = undefined;
  }

  async #readTarget(): Promise<void> {
    this.#targetReadAt = performance.now();
    this.#target = await this.#options.head();
  }

  /** Gives it up. The server is told, since it would go on until the transport is full. */
  end(): void {
    const { connection } = this.#options;
    if (this.#hasEnded) connection.failed(this.#client, this.#error);
    this.#hasEnded = true;
    this.#events.unsubscribe().catch(() => {});
    this.#events.destroy();
  }

  #take(): TailEvent[] {
    const entries: TailEvent[] = [];
    for (;;) {
      const resolved = this.#events.read();
      if (resolved === null) return entries;
      const record = recordOf(resolved);
      if (isOfSystem(record)) continue;
      const event = toStoredEvent(this.#options.log, record);
      // Positions only move forward, whatever the server repeats.
      if (event.position <= this.#cursor) continue;
      this.#cursor = event.position;
      entries.push({ event, bytes: sizeOf(event) });
    }
  }

  #fail(error: unknown): void {
    if (!this.#hasEnded) this.#error = error;
    this.#hasEnded = true;
    this.#wake();
  }

  /** Events, the end of the subscription, or the end of waiting for either. */
  async #news(signal: AbortSignal): Promise<void> {
    const { watchMs = WATCH_MS, head } = this.#options;
    let expected: Position | undefined;
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#hasEnded || this.#events.readableLength > 0 || this.#target === undefined) return;
      const watch = new AbortController();
      const timer = sleep(watchMs, 'quiet' as const, { signal: watch.signal }).catch(() => undefined);
      const aborted = once(signal, 'abort', { signal: watch.signal }).catch(() => undefined);
      const outcome = await Promise.race([woken, timer, signal.aborted ? undefined : aborted]);
      watch.abort();
      if (outcome !== 'quiet') return;
      if (expected !== undefined && this.#cursor < expected) {
        throw new NoAnswer(`the subscription is silent before ${expected}`);
      }
      expected = await head();
    }
  }
}
