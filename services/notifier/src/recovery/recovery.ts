/**
 * Recovery of missed lines: first from the push log, then from the ring, until nothing lies between the reader and
 * the live lines. The push log is behind the log, and the ring is short; together they hold everything, once the push
 * log has reached the ring's start.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RECOVERABLE_EVENTS } from '@annals/contracts/push/docs';
import type { Position } from '@annals/platform/event-store/port';
import type { Ring } from '../frames/ring.ts';
import type { PushLog, PushLogState } from './push-log.ts';

/** How often a push log that is behind is looked at. */
const RETRY_MS = 100;

/** The lines between a reader and the live ones were lost underway. */
class RecoveryFailed extends Error {
  override readonly name = 'RecoveryFailed';
}

export interface RecoverySource {
  /** The ring at the moment of the call. */
  readonly ring: Ring;
  readonly log: PushLog;
  /** How long to wait for the push log, in milliseconds. */
  readonly waitMs: number;
  /** Lines of one step at most. */
  readonly stepLines: number;
}

/** A step of a recovery: lines to send, and how far the reader has got with them. */
export interface Step {
  readonly lines: readonly string[];
  readonly position: Position;
}

/** Where a recovery can be had from: `none` where it cannot be had wholly. */
export type Origin = 'ring' | 'log' | 'none';

/** Finds out whether everything of `channel` after `since` can be had. Throws where the push log cannot be read. */
export async function findOrigin(source: RecoverySource, channel: string, since: Position): Promise<Origin> {
  if (source.ring.covers(since)) return 'ring';
  const deadline = performance.now() + source.waitMs;
  for (;;) {
    const state = await source.log.count(channel, since, RECOVERABLE_EVENTS);
    if (isTrimmed(state, since) || state.count > RECOVERABLE_EVENTS) return 'none';
    if (source.ring.covers(state.through)) return 'log';
    if (performance.now() >= deadline) return 'none';
    await sleep(RETRY_MS);
  }
}

/**
 * The next lines after `position` from the ring; null where there are none before the live ones: who gets null may join
 * in the same turn of the loop. `read-log` where the ring does not reach back so far (any more).
 */
export function nextFromRing(
  source: RecoverySource,
  channel: string,
  position: Position,
): Step | null | 'read-log' {
  const lines = source.ring.after(channel, position, source.stepLines);
  if (!lines) return 'read-log';
  const last = lines.at(-1);
  return last ? { lines: lines.map(({ frame }) => frame), position: last.position } : null;
}

/**
 * The next lines after `position` from the push log; `lines` may be empty where only the position moves. Throws
 * {@link RecoveryFailed} where lines have gone since {@link findOrigin}, or the push log is stuck.
 */
export async function nextFromLog(
  source: RecoverySource,
  channel: string,
  position: Position,
): Promise<Step> {
  const deadline = performance.now() + source.waitMs;
  for (;;) {
    const page = await source.log.read(channel, position, source.stepLines);
    if (isTrimmed(page, position)) throw new RecoveryFailed('the push log was trimmed during the recovery');
    const last = page.lines.at(-1);
    if (last) {
      const isEnd = page.lines.length < source.stepLines && page.through > last.position;
      return { lines: page.lines.map(({ frame }) => frame), position: isEnd ? page.through : last.position };
    }
    if (page.through > position) return { lines: [], position: page.through };
    if (performance.now() >= deadline) throw new RecoveryFailed('the push log has fallen behind');
    await sleep(RETRY_MS);
  }
}

function isTrimmed(state: PushLogState, since: Position): boolean {
  return state.trimmedThrough !== null && state.trimmedThrough > since;
}
