/** The push log as recovery reads it: the port. */
import type { Position } from '@annals/platform/event-store/port';

/** How far the log reaches, in one snapshot with what was read beside it. */
export interface PushLogState {
  /** Every line up to here is in the log, apart from what has been trimmed. */
  readonly through: Position;
  /** Lines up to here may be gone; null: nothing was trimmed. */
  readonly trimmedThrough: Position | null;
}

/** Some of a channel's lines, oldest first. */
export interface PushLogPage extends PushLogState {
  readonly lines: readonly { readonly position: Position; readonly frame: string }[];
}

export interface PushLog {
  /** The log's state, and the number of the channel's lines after `after`, counted up to `max` + 1. */
  count(channel: string, after: Position, max: number): Promise<PushLogState & { readonly count: number }>;
  /** The channel's lines after `after`, `limit` at most. */
  read(channel: string, after: Position, limit: number): Promise<PushLogPage>;
}
