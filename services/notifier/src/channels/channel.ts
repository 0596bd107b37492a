/** A channel with local followers: who follows it, and what is known about who may. */
import type { Position } from '@annals/platform/event-store/port';
import type { Bundle } from '../frames/bundle.ts';
import type { PushLine } from '../frames/ring.ts';

/** Why a subscription ends without the client having asked. */
export type EndReason = 'forbidden' | 'unavailable';

/** What a channel knows of a socket that follows it. */
export interface Member {
  /** Null: not signed in. */
  readonly userId: string | null;
  /** Sends a frame that others may share; `lines` messages are in it. */
  deliver(frame: Buffer, lines: number): void;
  /** The subscription is over; the member has been taken off the channel already. */
  ended(channel: Channel, reason: EndReason): void;
  /** What it gets in this turn; the fan-out's own. */
  bundle: Bundle | null;
}

/** While followers are being checked: lines after `after` wait in the ring. */
export interface Gate {
  readonly after: Position;
  /** Settles when the check is over; never rejects. */
  readonly done: Promise<void>;
}

export class Channel {
  readonly name: string;
  /** Everyone may follow it, for ever. */
  readonly isAlwaysPublic: boolean;
  readonly members = new Set<Member>();
  /** Subscriptions that are being prepared. */
  joining = 0;
  /** The newest event since this object exists that changed who may follow; empty: none. */
  visibilityAt: Position = '';
  /** Anonymous callers, and so everyone, might follow as of this position; empty: not known. */
  publicAt: Position = '';
  /** When its followers were last checked, in ms since the epoch. */
  checkedAt: number;
  gate: Gate | null = null;
  /** Lines of the turn under way. */
  lines: PushLine[] = [];

  constructor(name: string, isAlwaysPublic: boolean, now: number) {
    this.name = name;
    this.isAlwaysPublic = isAlwaysPublic;
    this.checkedAt = now;
  }

  /** Whether everyone may follow, for all that has happened so far. */
  get isPublic(): boolean {
    return this.isAlwaysPublic || (this.publicAt !== '' && this.publicAt >= this.visibilityAt);
  }
}
