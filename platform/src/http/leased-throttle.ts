/**
 * A throttle that replicas share: each leases permits in blocks from counters that all of them use, and hands them out
 * by itself. Together they never grant more than the limit; a replica that holds a block unused keeps others that far
 * below it, until it gives the block back.
 */
import { Problem } from '@annals/contracts/problems';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Counted, Exchange, PermitCounters, Windows } from './permit-counters.ts';
import {
  type Limit,
  type Limits,
  type Permit,
  subjectOf,
  type Throttle,
  toPermit,
  UNLIMITED,
} from './throttle.ts';

export interface LeasedThrottleOptions {
  readonly limits: Limits;
  readonly counters: PermitCounters;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export interface LeasedThrottle extends Throttle {
  /** Gives back what is held; closes the counters. Idempotent. */
  close(): Promise<void>;
}

/** Callers that are remembered at a time; what is held for the one not seen for longest is given back. */
const MAX_CALLERS = 50_000;
/** A block is this part of the limit, so that little is kept from other replicas; one permit where that is less. */
const BLOCK_SHARE = 0.05;
const MAX_BLOCK = 10_000;
/** What is not used for this long is given back. */
const IDLE_MS = 1_000;
const IDLE_CHECK_MS = 250;
/** A caller who was refused is refused from memory for this long: others may give permits back meanwhile. */
const REFUSED_MS = 1_000;
/** Exchanges of one statement. */
const MAX_BATCH = 500;
/** Requests that may wait for permits. */
const MAX_WAITING = 10_000;
/** Returns that may wait; beyond, they are counted as used. */
const MAX_RETURNS = 50_000;
/** After a failure, whoever needs a new lease is refused at once for this long. */
const PAUSE_MS = 200;

/** What this replica has of one caller's limit. Times are local, and never later than the server's. */
interface Holding {
  readonly key: string;
  readonly limit: Limit;
  readonly block: number;
  held: number;
  /** Where `held` was taken; null before the first lease. */
  windows: Windows | null;
  /** Permits nobody had leased, as last told. */
  minuteLeft: number;
  hourLeft: number;
  minuteEndsAt: number;
  hourEndsAt: number;
  usedAt: number;
  refusedUntil: number;
  isAsking: boolean;
  waiting: PromiseWithResolvers<Permit>[];
}

export function createLeasedThrottle(options: LeasedThrottleOptions): LeasedThrottle {
  const throttle = new Leases(options);
  return {
    take(name, caller) {
      const subject = subjectOf(name, caller);
      return subject === null ? UNLIMITED : throttle.take(subject.key, options.limits[subject.limit]);
    },
    close: () => throttle.close(),
  };
}

class Leases {
  readonly #counters: PermitCounters;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #holdings: LRUCache<string, Holding>;
  /** Those that hold permits, for the check of idle ones. */
  readonly #holding = new Set<Holding>();
  readonly #asking: Holding[] = [];
  readonly #returns: (Exchange & { readonly returned: number })[] = [];
  #waiting = 0;
  #running: Promise<void> | undefined;
  #pausedUntil = 0;
  #closed: Promise<void> | undefined;
  readonly #idleCheck: NodeJS.Timeout;

  constructor({ counters, logger, now = () => performance.now() }: LeasedThrottleOptions) {
    this.#counters = counters;
    this.#logger = logger;
    this.#now = now;
    this.#holdings = new LRUCache({ max: MAX_CALLERS, dispose: (holding) => this.#giveBack(holding) });
    this.#idleCheck = setInterval(() => this.#returnIdle(), IDLE_CHECK_MS);
    this.#idleCheck.unref();
  }

  take(key: string, limit: Limit): Permit | Promise<Permit> {
    const now = this.#now();
    const holding = this.#holdingOf(key, limit);
    holding.usedAt = now;
    if (holding.held > 0 && now >= endOf(holding)) this.#giveBack(holding);
    if (holding.held > 0) {
      holding.held--;
      if (holding.held === 0) this.#holding.delete(holding);
      if (wantsMore(holding) && now >= this.#pausedUntil) this.#ask(holding);
      return permitOf(holding, true, now);
    }
    if (now < holding.refusedUntil) return permitOf(holding, false, now);
    if (this.#waiting >= MAX_WAITING || now < this.#pausedUntil) return Promise.reject(unavailable());
    const waiter = Promise.withResolvers<Permit>();
    holding.waiting.push(waiter);
    this.#waiting++;
    this.#ask(holding);
    return waiter.promise;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#idleCheck);
    await this.#running;
    for (const holding of this.#holding) this.#giveBack(holding);
    await this.#running;
    await this.#counters.close();
  }

  #holdingOf(key: string, limit: Limit): Holding {
    const found = this.#holdings.get(key);
    if (found) return found;
    const holding: Holding = {
      key,
      limit,
      block: blockOf(limit),
      held: 0,
      windows: null,
      minuteLeft: limit.perMinute,
      hourLeft: limit.perHour,
      minuteEndsAt: 0,
      hourEndsAt: 0,
      usedAt: 0,
      refusedUntil: 0,
      isAsking: false,
      waiting: [],
    };
    this.#holdings.set(key, holding);
    return holding;
  }

  #ask(holding: Holding): void {
    if (holding.isAsking) return;
    holding.isAsking = true;
    this.#asking.push(holding);
    this.#run();
  }

  #run(): void {
    this.#running ??= this.#exchange();
  }

  /** One statement at a time; what comes meanwhile, and in this turn of the loop, shares the next. */
  async #exchange(): Promise<void> {
    await new Promise(setImmediate);
    while (this.#asking.length > 0 || this.#returns.length > 0) {
      const asking = this.#asking.splice(0, MAX_BATCH);
      const returns = this.#returns.splice(0, MAX_BATCH - asking.length);
      const sentAt = this.#now();
      const wanted = asking.map((holding) => ({
        key: holding.key,
        wanted: wantedBy(holding),
        limit: holding.limit,
      }));
      try {
        const counted = await this.#counters.exchange([...wanted, ...returns]);
        for (const [index, holding] of asking.entries()) this.#receive(holding, counted[index], sentAt);
      } catch (error) {
        this.#fail(asking, error);
      }
    }
    this.#running = undefined;
  }

  #receive(holding: Holding, counted: Counted | undefined, sentAt: number): void {
    if (!counted) throw new Error('not every exchange was answered');
    const { minuteEnds, hourEnds, at } = counted;
    // What is left of earlier windows does not count in these.
    if (holding.windows?.minuteEnds !== minuteEnds || holding.windows.hourEnds !== hourEnds)
      this.#giveBack(holding);
    holding.windows = { minuteEnds, hourEnds };
    holding.minuteEndsAt = sentAt + minuteEnds - at;
    holding.hourEndsAt = sentAt + hourEnds - at;
    holding.minuteLeft = Math.max(0, holding.limit.perMinute - counted.minuteUsed);
    holding.hourLeft = Math.max(0, holding.limit.perHour - counted.hourUsed);
    holding.held += counted.granted;
    holding.isAsking = false;
    if (holding.held > 0) this.#holding.add(holding);
    this.#serve(holding);
  }

  /** Those who wait get what there is; who is left over is refused, unless it came after the request was sent. */
  #serve(holding: Holding): void {
    const now = this.#now();
    const isOver = now >= endOf(holding);
    const isExhausted = holding.minuteLeft === 0 || holding.hourLeft === 0;
    const waiting = holding.waiting.splice(0);
    this.#waiting -= waiting.length;
    for (const waiter of waiting) {
      if (holding.held > 0 && !isOver) {
        holding.held--;
        waiter.resolve(permitOf(holding, true, now));
      } else if (isExhausted && !isOver) {
        holding.refusedUntil = Math.min(now + REFUSED_MS, endOf(holding));
        waiter.resolve(permitOf(holding, false, now));
      } else {
        holding.waiting.push(waiter);
        this.#waiting++;
      }
    }
    if (holding.held === 0) this.#holding.delete(holding);
    if (holding.waiting.length > 0) this.#ask(holding);
  }

  /** Nobody knows what was counted: it is left to end with its window. */
  #fail(asking: readonly Holding[], error: unknown): void {
    this.#pausedUntil = this.#now() + PAUSE_MS;
    this.#logger.warn({ err: error, callers: asking.length }, 'permits could not be leased');
    for (const holding of asking) {
      holding.isAsking = false;
      const waiting = holding.waiting.splice(0);
      this.#waiting -= waiting.length;
      for (const waiter of waiting) waiter.reject(unavailable(error));
    }
  }

  #giveBack(holding: Holding): void {
    const { key, held, windows } = holding;
    holding.held = 0;
    this.#holding.delete(holding);
    if (held === 0 || windows === null || this.#returns.length >= MAX_RETURNS) return;
    this.#returns.push({ key, returned: held, windows });
    // Told as left, since they are again, to whoever asks.
    holding.minuteLeft += held;
    holding.hourLeft += held;
    this.#run();
  }

  #returnIdle(): void {
    const now = this.#now();
    for (const holding of this.#holding) {
      if (now - holding.usedAt >= IDLE_MS || now >= endOf(holding)) this.#giveBack(holding);
    }
  }
}

function blockOf({ perMinute, perHour }: Limit): number {
  return Math.min(MAX_BLOCK, Math.max(1, Math.floor(Math.min(perMinute, perHour) * BLOCK_SHARE)));
}

/** Enough for those who wait, and to fill the block up. Small limits are leased one by one, when they are needed. */
function wantedBy({ waiting, block, held }: Holding): number {
  return waiting.length + (block > 1 ? Math.max(0, block - held) : 0);
}

/** Half a block is left: time to ask ahead of need, unless there is nothing to be had. */
function wantsMore({ block, held, minuteLeft, hourLeft, isAsking }: Holding): boolean {
  return !isAsking && block > 1 && held <= block / 2 && minuteLeft > 0 && hourLeft > 0;
}

/** When what is held can't be used any more. */
function endOf({ minuteEndsAt, hourEndsAt }: Holding): number {
  return Math.min(minuteEndsAt, hourEndsAt);
}

function permitOf(holding: Holding, isGranted: boolean, now: number): Permit {
  const { limit, held, minuteLeft, hourLeft, minuteEndsAt, hourEndsAt } = holding;
  return toPermit(
    isGranted,
    limit,
    { requests: minuteLeft + held, ms: minuteEndsAt - now },
    { requests: hourLeft + held, ms: hourEndsAt - now },
  );
}

function unavailable(cause?: unknown): Problem {
  return new Problem('unavailable', 'Requests can not be counted right now; try again.', {
    retryAfter: 1,
    ...(cause === undefined ? {} : { cause }),
  });
}
