/** State in memory that is loaded once, from a view, and then kept by following the log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { EventLog } from '../event-log/log.ts';
import type { Position } from '../event-store/port.ts';
import { backoff } from '../postgres/backoff.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface FollowerOptions {
  readonly log: Pick<EventLog, 'subscribe' | 'head'>;
  /** Event types that {@link apply} gets. */
  readonly types: ReadonlySet<string>;
  /** Puts the view's state in place of what is there, and gives the position that it reflects. */
  readonly load: () => Promise<Position>;
  /** Folds one event into the state; called in log order, once per event. */
  readonly apply: (event: DomainEvent) => void;
  readonly logger: Logger;
  /** Called before each batch is applied; for tests. */
  readonly onBatch?: (() => Promise<void> | void) | undefined;
}

export interface Follower {
  /** Resolves once the state is loaded and has caught up with the log, or when the follower is stopped. */
  readonly ready: Promise<void>;
  /** True once the state is loaded and has caught up with the log, and from then on. */
  readonly hasCaughtUp: boolean;
  /** Everything up to here is applied; undefined until loaded. */
  readonly position: Position | undefined;
  /**
   * True unless the state is known to reflect everything that was in the log `ms` milliseconds ago. The log's head is
   * looked at every 250 ms; while it can't be read, this turns true.
   */
  isBehind(ms: number): boolean;
  stop(): Promise<void>;
}

const HEAD_EVERY_MS = 250;

/** Starts a follower. Loading and following are tried again for ever, with jittered backoff, from where it stands. */
export function startFollower({ log, types, load, apply, logger, onBatch }: FollowerOptions): Follower {
  const stopping = new AbortController();
  const { signal } = stopping;
  const ready = Promise.withResolvers<void>();
  const freshness = createFreshness();
  let position: Position | undefined;
  let hasCaughtUp = false;

  const followOnce = async (onProgress: () => void): Promise<void> => {
    position ??= await load();
    for await (const batch of log.subscribe({ from: position, types, signal })) {
      await onBatch?.();
      onProgress();
      for (const event of batch.events) {
        apply(event);
        position = event.position;
      }
      position = batch.through;
      freshness.reached(position);
      if (!batch.caughtUp) continue;
      hasCaughtUp = true;
      ready.resolve();
    }
  };

  const follow = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await followOnce(() => {
          attempt = 0;
        });
      } catch (error) {
        logger.warn({ err: error }, 'following the log failed; trying again');
      }
      await pause(backoff(attempt), signal);
    }
    ready.resolve();
  };

  const watchHead = async (): Promise<void> => {
    while (!signal.aborted) {
      const at = performance.now();
      try {
        if (!freshness.isWaiting()) freshness.saw(await log.head(), at, position);
      } catch (error) {
        logger.debug({ err: error }, 'the head of the log can not be read');
      }
      await pause(HEAD_EVERY_MS, signal);
    }
  };

  const running = Promise.all([follow(), watchHead()]);
  return {
    ready: ready.promise,
    get hasCaughtUp() {
      return hasCaughtUp;
    },
    get position() {
      return position;
    },
    isBehind: (ms) => freshness.age() > ms,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** How old the newest head is that is known to have been reached. One head at a time is waited for. */
function createFreshness() {
  let currentAsOf = Number.NEGATIVE_INFINITY;
  let awaited: { readonly head: Position; readonly at: number } | undefined;
  const reached = (position: Position | undefined): void => {
    if (!awaited || position === undefined || position < awaited.head) return;
    currentAsOf = awaited.at;
    awaited = undefined;
  };
  return {
    reached,
    isWaiting: () => awaited !== undefined,
    saw(head: Position, at: number, position: Position | undefined) {
      awaited = { head, at };
      reached(position);
    },
    age: () => performance.now() - currentAsOf,
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
