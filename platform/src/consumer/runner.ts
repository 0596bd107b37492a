/**
 * The loop of one consumer: takes the lease, follows the log from the checkpoint, hands batches to its term, and
 * starts over from the stored checkpoint after any error. It never skips: what cannot be handled is held at.
 */
import type { DomainEventBatch, LogSubscription } from '../event-log/log.ts';
import { EventStoreUnavailable, type Position } from '../event-store/port.ts';
import { backoff } from '../postgres/backoff.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { createBell } from './bell.ts';
import { BatchFailed, judge } from './errors.ts';
import type { ConsumerFaults } from './faults.ts';
import { createHeld, type Held } from './held.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { type Prefetch, prefetch } from './prefetch.ts';
import { type Announcement, type Changed, changedOf } from './progress.ts';
import { createRepairs, type Repairs } from './repairs.ts';
import { type Claim, type ConsumerStore, type Holding, LeaseLost, type PendingRequest } from './store.ts';
import type { Term } from './term.ts';

/** How long a held consumer waits before it tries again, in milliseconds. */
const HOLD_MS = 5_000;

export interface RunnerOptions {
  readonly consumer: string;
  readonly handles: ReadonlySet<string>;
  readonly owner: string;
  readonly leaseMs: number;
  readonly store: ConsumerStore<never>;
  readonly openTerm: () => Promise<Term>;
  readonly follow: (subscription: LogSubscription) => AsyncIterable<DomainEventBatch>;
  /** Told after each batch: between `checkpoint` and `through` there was nothing to handle. */
  readonly onProgress: (...announcement: Announcement) => void;
  readonly logger: Logger;
  readonly metrics: ConsumerMetrics;
  readonly tracing?: Tracing | undefined;
  readonly faults?: ConsumerFaults | undefined;
}

/** Runs one consumer whenever it holds the lease. */
export class Runner {
  readonly consumer: string;
  /** Met an event newer than this release: another replica's turn, for as long as this process lives. */
  isWithdrawn = false;
  readonly #options: RunnerOptions;
  /** Wakes the loop between batches. */
  readonly #news = createBell();
  /** Wakes the loop between terms. */
  readonly #chance = createBell();
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #term: AbortController | undefined;
  #holding: Holding | undefined;
  readonly #repairs: Repairs;
  readonly #hold: Held;
  #failures = 0;
  /** Up to here events come one by one, so that those before the one at fault do not wait for it. */
  #stepUntil: Position | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.consumer = options.consumer;
    this.#hold = createHeld(options);
    this.#repairs = createRepairs(options.store, this.#hold);
  }

  /** The lease held, if any, and how far the log was scanned. */
  get holding(): Holding | undefined {
    return this.#holding;
  }

  /** Starts the loop where it does not run. */
  start(): void {
    if (this.#running || this.isWithdrawn) return;
    const stop = new AbortController();
    this.#running = { stop, done: this.#run(stop.signal) };
  }

  /** Ends the loop after the commit under way, and gives the lease up. */
  async stop(): Promise<void> {
    const running = this.#running;
    running?.stop.abort();
    this.#wake();
    await running?.done;
    if (this.#running === running) this.#running = undefined;
  }

  /** Another replica holds the lease that `claim` was: ends the term. */
  lose(claim: Claim): void {
    if (this.#holding?.claim.epoch !== claim.epoch) return;
    this.#letGo();
    this.#term?.abort();
    this.#wake();
  }

  /** Tries for the lease again, where the loop waits for it. */
  tick(): void {
    if (!this.#holding) this.#chance.ring();
  }

  /** Has requests carried out between two batches. */
  ask(requests: readonly PendingRequest[]): void {
    this.#repairs.ask(requests);
    this.#wake();
  }

  #wake(): void {
    this.#news.ring();
    this.#chance.ring();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { store, consumer, owner, leaseMs, logger } = this.#options;
    while (!signal.aborted && !this.isWithdrawn) {
      try {
        const claim = await store.claim(consumer, owner, leaseMs);
        if (claim) await this.#serve(claim, signal);
        else await this.#waitForLease();
      } catch (error) {
        // A stop ends subscriptions and waits with errors that say nothing; what became of a batch is always told.
        if (!signal.aborted || error instanceof BatchFailed) await this.#recover(error);
      }
    }
    const claim = this.#letGo();
    if (!claim) return;
    await store.release([claim]).catch((error: unknown) => {
      logger.warn({ error, consumer }, 'the lease was not handed over; it will run out');
    });
  }

  /** Until the next tick: also where the lease is this process' own, but a commit of before still locks it. */
  async #waitForLease(): Promise<void> {
    this.#letGo();
    await this.#chance.wait();
  }

  /** From a claim to the end of the lease, an error, or a reason to follow the log from another place. */
  async #serve(claim: Claim, stop: AbortSignal): Promise<void> {
    const { handles, follow, openTerm, metrics, consumer } = this.#options;
    this.#holding = { claim, through: claim.position };
    metrics.owned.set({ consumer }, 1);
    const ending = new AbortController();
    this.#term = ending;
    const signal = AbortSignal.any([stop, ending.signal]);
    const term = await openTerm();
    const pace = this.#stepUntil === undefined ? {} : { batchSize: 1 };
    const subscription = follow({ from: claim.position, types: handles, signal, ...pace });
    const batches = prefetch(subscription, (batch) => {
      if (batch && batch.events.length > 0) term.prepare?.(batch.events);
      this.#news.ring();
    });
    try {
      let isOver = false;
      while (!isOver && !signal.aborted)
        isOver = (await this.#repair(term)) || (await this.#turn(term, batches));
    } finally {
      ending.abort();
      await batches.close();
    }
  }

  /** Handles the batch that has arrived, or waits. True where the subscription has to end. */
  async #turn(term: Term, batches: Prefetch): Promise<boolean> {
    const batch = batches.take();
    if (batch === 'ended') {
      if (this.#holding) throw new EventStoreUnavailable('the subscription has ended');
      return true;
    }
    if (batch === 'pending') {
      await this.#news.wait();
      return false;
    }
    await this.#apply(term, batch);
    if (this.#stepUntil === undefined || batch.through < this.#stepUntil) return false;
    this.#stepUntil = undefined;
    return true;
  }

  async #apply(term: Term, batch: DomainEventBatch): Promise<void> {
    const { consumer, store, metrics, onProgress, faults } = this.#options;
    let { claim } = this.#held();
    let changed: Changed | undefined;
    if (batch.events.length > 0) {
      const since = claim.position;
      const done = metrics.batchSeconds.startTimer({ consumer });
      claim = await this.#traced(batch, async () => {
        await faults?.('read', consumer);
        return term.apply(this.#held().claim, batch.events, batch.through);
      });
      const touched = term.touched?.();
      if (touched) changed = changedOf(since, touched);
      await faults?.('committed', consumer);
      done();
      metrics.events.inc({ consumer }, batch.events.length);
      this.#hold.end();
    }
    if (batch.caughtUp && !claim.isLive) claim = await store.goLive(claim);
    this.#failures = 0;
    if (this.#holding) this.#holding = { claim, through: batch.through };
    metrics.observeLag(consumer, batch);
    if (changed) onProgress(consumer, claim.position, batch.through, changed);
    else onProgress(consumer, claim.position, batch.through);
  }

  /** Handles a batch in a span that the events' traces link to. */
  async #traced(batch: DomainEventBatch, work: () => Promise<Claim>): Promise<Claim> {
    const { tracing, consumer } = this.#options;
    try {
      if (!tracing) return await work();
      const attributes = { consumer, events: batch.events.length };
      return await tracing.span('consume', { kind: 'consumer', links: linksOf(batch), attributes }, work);
    } catch (error) {
      throw new BatchFailed(batch, error);
    }
  }

  /** Carries out what was asked for. True where the checkpoint has moved by it. */
  async #repair(term: Term): Promise<boolean> {
    for (let isMoved = false; ; ) {
      const { claim, through } = this.#held();
      const next = await this.#repairs.carryOut(term, claim);
      if (!next) return isMoved;
      isMoved ||= next.position !== claim.position;
      this.#holding = { claim: next, through: isMoved ? next.position : through };
    }
  }

  /** Does what follows from an error, and waits before the next attempt. */
  async #recover(failure: unknown): Promise<void> {
    const { consumer, logger, metrics } = this.#options;
    const error = failure instanceof BatchFailed ? failure.cause : failure;
    const verdict = judge(failure, this.#stepUntil !== undefined);
    switch (verdict.kind) {
      case 'lost':
        this.#letGo();
        logger.warn({ error, consumer }, 'the lease is lost');
        return;
      case 'newer':
        this.isWithdrawn = true;
        logger.warn({ error, consumer }, 'met an event newer than this release; left to other replicas');
        return;
      case 'step':
        this.#stepUntil = verdict.until;
        return;
      case 'passing':
        metrics.failures.inc({ consumer });
        logger.warn({ error, consumer }, 'failed for now; trying again');
        await this.#chance.wait(backoff(this.#failures++));
        return;
      case 'hold':
        metrics.failures.inc({ consumer });
        await this.#hold.begin(this.#holding?.claim, verdict.hold, error);
        await this.#chance.wait(HOLD_MS);
    }
  }

  #letGo(): Claim | undefined {
    const claim = this.#holding?.claim;
    this.#holding = undefined;
    this.#repairs.forget();
    this.#hold.end();
    this.#options.metrics.letGo(this.consumer);
    return claim;
  }

  #held(): Holding {
    if (!this.#holding)
      throw new LeaseLost({
        consumer: this.consumer,
        epoch: 0,
        position: '',
        isLive: false,
        heldAt: null,
        leaseMs: 0,
      });
    return this.#holding;
  }
}

/** Where the first events of a batch come from; a span with a thousand links helps nobody. */
function linksOf({ events }: DomainEventBatch): readonly string[] {
  const some = events.slice(0, 32).flatMap(({ metadata }) => metadata.traceparent ?? []);
  return [...new Set(some)];
}
