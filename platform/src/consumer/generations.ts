/**
 * Carries out what operators ask of whole views: builds, verifications, switches. They take long, so they run beside the
 * folding, in the process that holds the live view's lease. Each step may be done again: where the process dies, the
 * request still waits and the next owner goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '../event-log/log.ts';
import { progressBetween } from '../event-store/position.ts';
import type { Logger } from '../telemetry/logger.ts';
import { errorCode, isTransient } from './errors.ts';
import { besideOf, type Projection, viewOf } from './projection.ts';
import {
  type ConsumerStatus,
  GenerationBehind,
  type PendingGeneration,
  type RequestReport,
  type Verification,
  type ViewStore,
} from './store.ts';
import { NotKeepingUp, type VerifyMeans, ViewGone, verifyView } from './verify.ts';

export interface GenerationsOptions {
  readonly store: ViewStore;
  readonly log: EventLog;
  /** Those that this process can run, by the name of the view. */
  readonly projections: ReadonlyMap<string, Projection>;
  readonly logger: Logger;
  /** How long after its end a generation's table stays, so that whoever folded it has noticed. */
  readonly graceMs: number;
}

export interface Generations {
  /**
   * Begins what is asked for and not under way, one request of a view at a time; gives up what is no longer among it. A
   * drop waits for none of the builds and switches before it: it ends them.
   */
  take(requests: readonly PendingGeneration[]): void;
  /** Gives everything up. */
  stop(): Promise<void>;
}

/** How often progress is looked at and told. */
const LOOK_MS = 250;
/** Attempts at a switch while the newer generation is just behind. */
const SWITCH_ATTEMPTS = 200;
const DROPPED = 'it was dropped meanwhile';
/** What the name of a view looks like: all else there is no table of a view. */
const VERSION = /^[a-z][a-z0-9_]*_v\d+$/;

interface Task {
  readonly request: PendingGeneration;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** True where `request` drops the very generation that `other` makes, switches or looks at. */
function ends(request: PendingGeneration, other: PendingGeneration): boolean {
  if (request.action !== 'drop' || !isSameView(request, other)) return false;
  const isOfLive = other.action === 'verify' && other.consumer === viewOf(other.consumer);
  return other.action !== 'drop' && !isOfLive;
}

function isSameView(one: PendingGeneration, other: PendingGeneration): boolean {
  return viewOf(one.consumer) === viewOf(other.consumer);
}

/** Creates it with nothing under way. */
export function createGenerations(options: GenerationsOptions): Generations {
  const { store, logger } = options;
  const tasks = new Map<string, Task>();

  const carryOut = async (request: PendingGeneration, signal: AbortSignal): Promise<void> => {
    const work = new GenerationWork(options, request, signal);
    const outcome = await work.run();
    await store.finish(request, outcome, work.lastReport);
    const { consumer, action } = request;
    logger.info({ consumer, action, outcome }, 'carried out');
  };

  /** `ended`: requests that it puts an end to, which are given up already. */
  const run = async (
    request: PendingGeneration,
    signal: AbortSignal,
    ended: readonly PendingGeneration[],
  ): Promise<void> => {
    const { id, consumer, action } = request;
    try {
      await Promise.all(ended.map((one) => tasks.get(one.id)?.done));
      for (const one of ended) await store.finish(one, DROPPED, null);
      await carryOut(request, signal);
    } catch (error) {
      if (signal.aborted || isTransient(error)) {
        logger.warn({ error, consumer, action }, 'interrupted; it will be taken up again');
        return;
      }
      logger.error({ error, consumer, action }, 'could not be carried out');
      await store.finish(request, `failed: ${errorCode(error)}`, null).catch((cause: unknown) => {
        logger.warn({ error: cause, id }, 'could not note an outcome; it will be tried again');
      });
    } finally {
      tasks.delete(id);
    }
  };

  const start = (request: PendingGeneration, ended: readonly PendingGeneration[]): void => {
    const stop = new AbortController();
    tasks.set(request.id, { request, stop, done: run(request, stop.signal, ended) });
  };

  return {
    take(requests) {
      const wanted = new Set(requests.map(({ id }) => id));
      for (const [id, { stop }] of tasks) if (!wanted.has(id)) stop.abort();
      for (const [at, request] of requests.entries()) {
        if (requests.slice(at + 1).some((later) => ends(later, request))) {
          tasks.get(request.id)?.stop.abort();
          continue;
        }
        const ended = requests.slice(0, at).filter((earlier) => ends(request, earlier));
        const others = [...tasks.values()].filter((task) => !ended.some(({ id }) => id === task.request.id));
        if (!others.some((task) => isSameView(task.request, request))) start(request, ended);
      }
    },
    async stop() {
      for (const { stop } of tasks.values()) stop.abort();
      await Promise.all([...tasks.values()].map(({ done }) => done));
    },
  };
}

/** One request at work. */
class GenerationWork {
  /** What was told last. */
  lastReport: RequestReport | null = null;
  readonly #options: GenerationsOptions;
  readonly #request: PendingGeneration;
  readonly #signal: AbortSignal;
  /** The view that it is about; `drop` and `verify` may name the generation beside. */
  readonly #view: string;

  constructor(options: GenerationsOptions, request: PendingGeneration, signal: AbortSignal) {
    this.#options = options;
    this.#request = request;
    this.#signal = signal;
    this.#view = viewOf(request.consumer);
  }

  /** Gives the outcome. Throws what the store throws, and the signal's reason. */
  async run(): Promise<string> {
    const { action, consumer } = this.#request;
    if (action === 'drop') return this.#drop();
    const projection = this.#options.projections.get(this.#view);
    if (!projection) return 'nobody who could do it is there';
    if (action === 'verify') return this.#verify(projection);
    if (consumer !== this.#view) return `say it of the view itself, ${this.#view}`;
    if (action === 'switch' || action === 'rollback') return this.#switchTo(action);
    return this.#build(projection, action);
  }

  async #drop(): Promise<string> {
    const { store, graceMs, projections } = this.#options;
    const { consumer } = this.#request;
    if (projections.has(this.#view)) {
      const beside = besideOf(this.#view);
      const isThere = await this.#statusOf(beside);
      await store.drop(beside, graceMs);
      return isThere ? 'dropped' : 'there is no generation beside the live one';
    }
    // Whoever dropped it before, another replica or an owner that died, may have left something of it.
    const isGone = VERSION.test(consumer) && !(await this.#statusOf(consumer));
    if (!isGone && !(await store.outdated(0)).includes(consumer))
      return 'it is in use, or no other version of it is live and folded';
    await store.drop(consumer, graceMs);
    await store.drop(besideOf(consumer), 0);
    return 'dropped';
  }

  async #verify(projection: Projection): Promise<string> {
    const found = await this.#hold(this.#request.consumer, projection);
    if (typeof found === 'string') return found;
    return found.differences === 0 ? 'verified' : `not as the log says: ${documents(found.differences)}`;
  }

  /** Holds it against the log and tells how far that is; gives why where it cannot be. */
  async #hold(consumer: string, projection: Projection): Promise<Verification | string> {
    const { store, log } = this.#options;
    const means: VerifyMeans = { store, log, signal: this.#signal };
    let fraction = 0;
    await this.#report('verifying', 0);
    const telling = setInterval(() => void this.#report('verifying', fraction).catch(() => {}), LOOK_MS);
    try {
      const verification = await verifyView({ consumer, projection }, means, (now) => {
        fraction = now;
      }).finally(() => clearInterval(telling));
      await this.#report('done', 1, { verification });
      return verification;
    } catch (error) {
      if (error instanceof NotKeepingUp || error instanceof ViewGone) return error.message;
      throw error;
    }
  }

  async #switchTo(action: 'switch' | 'rollback'): Promise<string> {
    const [live, beside] = [await this.#statusOf(this.#view), await this.#statusOf(besideOf(this.#view))];
    const isNewer = live && beside && beside.generation > live.generation;
    if (action === 'switch' && !isNewer) return 'there is no newer generation; `rebuild` makes one';
    if (action === 'rollback' && (!beside || isNewer)) return 'there is no older generation to go back to';
    if (!beside?.isLive) return 'the newer generation is still being built';
    const outcome = action === 'switch' ? 'switched' : 'rolled back';
    await this.#report('switching', 0);
    return (await this.#swap(outcome)) ? outcome : 'the other generation lags; it must have caught up';
  }

  async #build(projection: Projection, action: 'build' | 'rebuild'): Promise<string> {
    const { store, log, graceMs } = this.#options;
    const beside = besideOf(this.#view);
    await store.begin(this.#view, await log.start(), graceMs);
    if (!(await this.#isBuilt(beside))) return DROPPED;
    const found = await this.#hold(beside, projection);
    if (typeof found === 'string') return `built, not switched: ${found}`;
    if (found.differences > 0)
      return `built, not switched: ${documents(found.differences)} not as the log says`;
    const [live, built] = [await this.#statusOf(this.#view), await this.#statusOf(beside)];
    if ((built?.parkedKeys ?? 0) > (live?.parkedKeys ?? 0))
      return `built, not switched: ${documents(built?.parkedKeys ?? 0)} parked`;
    if (action === 'build') return 'built';
    await this.#report('switching', 0, { verification: found });
    return (await this.#swap('switched')) ? 'switched' : 'built, not switched: it lags';
  }

  /** Waits until the generation has caught up; false where it is gone. */
  async #isBuilt(beside: string): Promise<boolean> {
    const { log } = this.#options;
    const start = await log.start();
    for (;;) {
      const status = await this.#statusOf(beside);
      if (!status) return false;
      if (status.isLive) return true;
      const fraction = progressBetween(start, status.through, await log.head());
      await this.#report('building', fraction, status.held ? { held: status.held } : {});
      await sleep(LOOK_MS, undefined, { signal: this.#signal });
    }
  }

  /** Swaps as soon as the other generation reflects all that the live one does; false where it does not get there. */
  async #swap(outcome: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.store.swap(this.#request, outcome);
        return true;
      } catch (error) {
        if (!(error instanceof GenerationBehind)) throw error;
        if (attempt === SWITCH_ATTEMPTS) return false;
        await sleep(LOOK_MS / 5, undefined, { signal: this.#signal });
      }
    }
  }

  async #report(
    phase: RequestReport['phase'],
    fraction: number,
    more: Pick<RequestReport, 'held' | 'verification'> = {},
  ): Promise<void> {
    const since = this.lastReport?.phase === phase ? this.lastReport.since : new Date().toISOString();
    this.lastReport = { phase, fraction, since, ...more };
    await this.#options.store.report(this.#request, this.lastReport);
  }

  async #statusOf(consumer: string): Promise<ConsumerStatus | undefined> {
    return (await this.#options.store.status()).find((one) => one.consumer === consumer);
  }
}

function documents(count: number): string {
  return count === 1 ? '1 document' : `${count} documents`;
}
