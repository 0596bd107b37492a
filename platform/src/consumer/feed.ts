/**
 * One live subscription shared by the caught-up consumers of a process, so that an event is read and decoded once.
 * Whoever is behind reads by itself and joins when it has caught up; whoever falls behind leaves again.
 */
import type { DomainEventBatch, EventLog, LogSubscription } from '../event-log/log.ts';
import type { Position } from '../event-store/port.ts';
import { type Bell, createBell } from './bell.ts';

/** What the feed keeps for followers that are busy. */
const MAX_ENTRIES = 256;
const MAX_EVENTS = 4_096;
/** In UTF-16 units, roughly. */
const MAX_SIZE = 32 * 1024 * 1024;

/** Events of one batch for a follower, at most; more only where one batch of the log holds more. */
const BATCH_SIZE = 1_000;

type FeedSubscription = Omit<LogSubscription, 'from'> & { readonly from: Position };

export interface Feed {
  /** As `EventLog.subscribe`, for types that the feed was made for. */
  follow(subscription: FeedSubscription): AsyncIterable<DomainEventBatch>;
}

/** Creates a feed of `types`; it subscribes while it is followed. */
export function createFeed(log: EventLog, types: ReadonlySet<string>): Feed {
  const live = createLive(log, types);

  /** Reads alone until the feed has all that comes after. */
  async function* catchUp(subscription: FeedSubscription): AsyncGenerator<DomainEventBatch> {
    for await (const batch of log.subscribe(subscription)) {
      yield batch;
      if (batch.caughtUp && live.covers(batch.through)) return;
    }
  }

  /** Reads along until the signal, or until the feed has not all that comes after. */
  async function* readAlong({
    from,
    types: wanted,
    signal,
  }: FeedSubscription): AsyncGenerator<DomainEventBatch> {
    const seat = live.join(from, signal);
    try {
      for (let batch = await seat.next(wanted); batch; batch = await seat.next(wanted)) yield batch;
    } finally {
      seat.leave();
    }
  }

  return {
    async *follow(subscription) {
      let from = subscription.from;
      for (let read = catchUp; !subscription.signal?.aborted; read = read === catchUp ? readAlong : catchUp) {
        let isAtHead = false;
        for await (const batch of read({ ...subscription, from })) {
          from = batch.through;
          isAtHead = batch.caughtUp;
          yield batch;
        }
        // The log itself has ended.
        if (read === catchUp && !isAtHead) return;
      }
    },
  };
}

interface Live {
  /** True where everything after `position` is still kept, or will come. */
  covers(position: Position): boolean;
  join(position: Position, signal: AbortSignal | undefined): Seat;
}

interface Seat {
  /** What came after the position; undefined where the feed cannot tell any more, or the signal is aborted. */
  next(types: ReadonlySet<string>): Promise<DomainEventBatch | undefined>;
  leave(): void;
}

interface Running {
  readonly stop: AbortController;
  readonly followers: Set<Bell>;
  readonly entries: DomainEventBatch[];
  /** Where the oldest entry kept begins. */
  from: Position;
  events: number;
  size: number;
}

function createLive(log: EventLog, types: ReadonlySet<string>): Live {
  let running: Running | undefined;

  const run = async (own: Running): Promise<void> => {
    try {
      for await (const batch of log.subscribe({ from: own.from, types, signal: own.stop.signal })) {
        keep(own, batch);
        for (const bell of own.followers) bell.ring();
      }
    } catch {
      // Followers go back to reading by themselves; whom the error concerns meets it there.
    }
    end(own);
  };

  const end = (own: Running): void => {
    own.stop.abort();
    if (running === own) running = undefined;
    for (const bell of own.followers) bell.ring();
  };

  const begin = (from: Position): Running => {
    running = { stop: new AbortController(), followers: new Set(), entries: [], from, events: 0, size: 0 };
    void run(running);
    return running;
  };

  return {
    covers: (position) => !running || running.from <= position,
    join(first, signal) {
      let position = first;
      const own = running ?? begin(first);
      const bell = createBell();
      own.followers.add(bell);
      signal?.addEventListener('abort', bell.ring, { once: true });
      return {
        async next(wanted) {
          for (;;) {
            if (signal?.aborted || running !== own || own.from > position) return undefined;
            const batch = collect(own.entries, position, wanted);
            if (batch) {
              position = batch.through;
              return batch;
            }
            await bell.wait();
          }
        },
        leave() {
          signal?.removeEventListener('abort', bell.ring);
          own.followers.delete(bell);
          if (own.followers.size === 0) end(own);
        },
      };
    },
  };
}

/** Keeps a batch, and of the older ones as many as are bearable. */
function keep(own: Running, batch: DomainEventBatch): void {
  own.entries.push(batch);
  own.events += batch.events.length;
  own.size += sizeOf(batch);
  const isTooMuch = () => own.entries.length > MAX_ENTRIES || own.events > MAX_EVENTS || own.size > MAX_SIZE;
  while (own.entries.length > 1 && isTooMuch()) {
    const dropped = own.entries.shift();
    if (!dropped) return;
    own.from = dropped.through;
    own.events -= dropped.events.length;
    own.size -= sizeOf(dropped);
  }
}

/** What is long in an event is the text in its fields. */
function sizeOf({ events }: DomainEventBatch): number {
  let size = 0;
  for (const { data } of events) {
    for (const value of Object.values(data ?? {})) size += typeof value === 'string' ? value.length : 0;
  }
  return size;
}

/** The entries after `position` as one batch of the `wanted` types; undefined where there are none. */
function collect(
  entries: readonly DomainEventBatch[],
  position: Position,
  wanted: ReadonlySet<string>,
): DomainEventBatch | undefined {
  let index = entries.length;
  while (index > 0 && (entries[index - 1]?.through ?? '') > position) index--;
  if (index === entries.length) return undefined;
  const events: DomainEventBatch['events'][number][] = [];
  let last: DomainEventBatch | undefined;
  for (; index < entries.length && events.length < BATCH_SIZE; index++) {
    last = entries[index];
    for (const event of last?.events ?? [])
      if (event.position > position && wanted.has(event.type)) events.push(event);
  }
  return last && { events, through: last.through, caughtUp: last.caughtUp && index === entries.length };
}
