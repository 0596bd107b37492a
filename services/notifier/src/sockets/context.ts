/** What all sockets of a process share. */
import type { ServerMessage } from '@annals/contracts/push/messages';
import type { Position } from '@annals/platform/event-store/port';
import type { ChannelAccess } from '../channels/access.ts';
import type { Hub } from '../channels/hub.ts';
import type { PushLimits } from '../limits.ts';
import type { PushMetrics } from '../metrics.ts';
import type { RecoverySource } from '../recovery/recovery.ts';

/** Who a valid access token belongs to. */
export interface Identity {
  readonly userId: string;
  readonly sessionId: string;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Verifies an access token. Throws a `Problem` where it is not, or no longer, valid, or can't be checked. */
export type VerifyToken = (token: string) => Promise<Identity>;

export interface SocketContext {
  readonly hub: Hub;
  readonly access: ChannelAccess;
  readonly recovery: RecoverySource;
  readonly verifyToken: VerifyToken;
  /** True where the user was disabled, or the session ended, a moment ago. */
  readonly isEnded: (identity: Identity) => boolean;
  /** Throws `UnknownPosition` for a position of another log or past the head. */
  readonly checkPosition: (position: Position) => Promise<void>;
  readonly limits: PushLimits;
  readonly metrics: PushMetrics;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export type ErrorCode = Extract<ServerMessage, { type: 'error' }>['code'];
