/**
 * How a subscription comes to be: asked for, checked, brought up to date, joined. All of it happens beside the live
 * lines; the last look at the ring and the joining happen in one turn of the loop, so that nothing falls between.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Position, UnknownPosition } from '@annals/platform/event-store/port';
import { verdictFor } from '../channels/access.ts';
import type { Channel } from '../channels/channel.ts';
import { findOrigin, nextFromLog, nextFromRing, type Step } from '../recovery/recovery.ts';
import type { ErrorCode, SocketContext } from './context.ts';

const THROUGH_RETRY_MS = 20;

/** The socket's side of a subscription under way. */
export interface Subscriber {
  readonly userId: string | null;
  /** False once the subscription or the socket has ended: nothing more is to be done. */
  readonly isWanted: () => boolean;
  /** Null where a replay may go on; otherwise settles once the client has taken some of what waits for it. */
  readonly backlog: () => Promise<void> | null;
  /** Sends lines of a replay, if there are any. */
  readonly replay: (lines: readonly string[]) => void;
  /** Joins the channel: called in the turn in which nothing lies between the subscriber and the live lines. */
  readonly join: (recovered: boolean) => void;
}

/** A subscription that cannot be had, with the error that the client gets. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** Brings `subscriber` into `channel`; throws {@link Refusal}. */
export async function subscribe(
  context: SocketContext,
  channel: Channel,
  subscriber: Subscriber,
  since: Position | undefined,
): Promise<void> {
  if (since !== undefined) await reach(context, since);
  const right = new Right(context, channel, subscriber.userId);
  await right.renew();
  const origin = since === undefined ? 'none' : await findOrigin(context.recovery, channel.name, since);
  context.metrics.recovered(since === undefined ? 'live' : origin);
  if (since !== undefined && origin !== 'none') return catchUp(context, channel, subscriber, right, since);
  while (!right.isFresh && subscriber.isWanted()) await right.renew();
  if (subscriber.isWanted()) subscriber.join(false);
}

/** Replays what lies after `since`, and joins. */
async function catchUp(
  { recovery }: SocketContext,
  channel: Channel,
  subscriber: Subscriber,
  right: Right,
  since: Position,
): Promise<void> {
  let position = since;
  /** Read, and not sent yet: what the client has not taken, of other replays as well, comes first. */
  let read: Step | null = null;
  while (subscriber.isWanted()) {
    const backlog = subscriber.backlog();
    if (backlog !== null) {
      await backlog;
    } else if (!right.isFresh) {
      // Who may follow has changed since: lines are read again after the check.
      read = null;
      await right.renew();
    } else {
      const next = read ?? nextFromRing(recovery, channel.name, position);
      if (next === null) return subscriber.join(true);
      if (next === 'read-log') {
        read = await nextFromLog(recovery, channel.name, position);
      } else {
        subscriber.replay(next.lines);
        position = next.position;
        read = null;
      }
    }
  }
}

/** The right of one caller to follow a channel. */
class Right {
  readonly #context: SocketContext;
  readonly #channel: Channel;
  readonly #userId: string | null;
  #checkedAt: Position = '';

  constructor(context: SocketContext, channel: Channel, userId: string | null) {
    this.#context = context;
    this.#channel = channel;
    this.#userId = userId;
  }

  /** Whether nothing has changed who may follow since the last check. */
  get isFresh(): boolean {
    return (
      this.#channel.gate === null && this.#checkedAt !== '' && this.#channel.visibilityAt <= this.#checkedAt
    );
  }

  /** Checks it as of now, after the check of those who follow already, where one is under way. */
  async renew(): Promise<void> {
    if (this.#channel.gate) await this.#channel.gate.done;
    const { access, hub } = this.#context;
    const position = [hub.through, this.#channel.visibilityAt].sort().at(-1) ?? hub.through;
    const verdict = await verdictFor(access, this.#channel, this.#userId, position);
    if (verdict === 'forbidden')
      throw new Refusal('forbidden', 'there is no such channel, or you may not follow it');
    if (verdict === 'unavailable')
      throw new Refusal('unavailable', 'the channel could not be checked; try again');
    this.#checkedAt = position;
  }
}

/** Waits until everything up to `since` has been published here. */
async function reach(context: SocketContext, since: Position): Promise<void> {
  if (isOfLog(since, context.hub.through) && since <= context.hub.through) return;
  try {
    await context.checkPosition(since);
  } catch (error) {
    if (error instanceof UnknownPosition)
      throw new Refusal('unknown-position', 'the position is not one of this log');
    throw error;
  }
  const deadline = performance.now() + context.limits.recoverMs;
  while (since > context.hub.through) {
    if (performance.now() >= deadline)
      throw new Refusal('unavailable', 'the position has not been reached; try again');
    await sleep(THROUGH_RETRY_MS);
  }
}

function isOfLog(position: Position, other: Position): boolean {
  const log = other.slice(0, other.indexOf('.') + 1);
  return position.startsWith(log);
}
