/**
 * The push log: a row per (event, channel), from which sockets recover what they missed. The projector folds it, the
 * notifier reads it; both build its lines with {@link pushFrames}, so that a replayed line equals the live one.
 */
import type { DomainEvent } from '../kit/event.ts';
import type { PushRule } from './rule.ts';

/** The projection: rows in `views.push_log_v1`, keyed by {@link pushLogKey}, columns `position` and `at`. */
export const pushLogView = { name: 'push_log', version: 1 } as const;

/**
 * Table of schema `views` with one row per view that is trimmed: `view text primary key, position text`. Everything
 * of `push_log_v1` up to that position may be gone; no row: nothing is.
 */
export const TRIMMED_THROUGH_TABLE = 'trimmed_through';

/** Recovery is owed for this many newest events of a channel, … */
export const RECOVERABLE_EVENTS = 10_000;
/** … as far as they are younger than this. */
export const RECOVERABLE_MS = 24 * 60 * 60 * 1000;

/** A row's document. */
export interface PushLogDoc {
  readonly channel: string;
  readonly position: string;
  /** When the event happened; rows older than {@link RECOVERABLE_MS} may be trimmed. */
  readonly at: string;
  /** The whole line as it is sent, without a line feed: a `ServerMessage` of type `event`. */
  readonly frame: string;
}

/** The row's key: `<channel>@<position>`. */
export function pushLogKey(frame: Pick<PushLogDoc, 'channel' | 'position'>): string {
  return `${frame.channel}@${frame.position}`;
}

/** The line that `event` sends on each of its channels; none where no rule names its type. Pure. */
export function pushFrames(rules: ReadonlyMap<string, PushRule>, event: DomainEvent): readonly PushLogDoc[] {
  const rule = rules.get(event.type);
  if (!rule) return [];
  const at = event.metadata.occurredAt;
  const pushed = JSON.stringify({ id: event.id, type: event.type, occurredAt: at, data: rule.data(event) });
  return [...new Set(rule.channels(event))].map((channel) => ({
    channel,
    position: event.position,
    at,
    frame: `{"type":"event","channel":${JSON.stringify(channel)},"position":"${event.position}","event":${pushed}}`,
  }));
}
