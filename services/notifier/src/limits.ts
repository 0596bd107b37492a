/** Bounds and timings of the push service. Tests shorten them; a deployment takes these. */

export interface PushLimits {
  /** Sockets of this process; further ones get a 503. */
  readonly sockets: number;
  /** Connections beyond the sockets: handshakes under way, plain requests, sockets that are being closed. */
  readonly handshakes: number;
  /** Bytes of one incoming message; beyond it the socket is closed with 1009. */
  readonly messageBytes: number;
  /** Frames, and pieces as the network brings them, of one incoming message; beyond them: 1008. */
  readonly fragments: number;
  readonly chunks: number;
  readonly subscriptions: number;
  /** A bucket of this size, refilled evenly within a minute. Pings, and pongs that nobody asked for, count as well. */
  readonly messagesPerMinute: number;
  /** Messages that are refused for their form or number until the socket is closed with 3500. */
  readonly mistakes: number;
  /** Bytes that wait for a slow client until it is closed with 3008. */
  readonly queueBytes: number;
  /** A replay goes on once fewer bytes than this wait. */
  readonly replayBytes: number;
  /** Lines of one replay step. */
  readonly replayLines: number;
  readonly ringLines: number;
  readonly ringSize: number;

  readonly authenticateMs: number;
  readonly pingMs: number;
  /** Without any sign of life for this long after a ping the socket is cut off. */
  readonly pongMs: number;
  /** How often sockets are looked over for the above. */
  readonly sweepMs: number;
  /** How often the followers of a channel are checked without a cause. */
  readonly revalidateMs: number;
  /** How long a subscription with `since` may wait for the push log or the log to get there. */
  readonly recoverMs: number;
  /** Sockets that are closed at once at shutdown, and the pause after them. */
  readonly drainBatch: number;
  readonly drainMs: number;
  /** After its close frame a socket that does not answer is cut off. */
  readonly closeMs: number;
}

export const defaultLimits: PushLimits = {
  sockets: 50_000,
  handshakes: 1_000,
  messageBytes: 64 * 1024,
  fragments: 128,
  chunks: 2_048,
  subscriptions: 128,
  messagesPerMinute: 300,
  mistakes: 10,
  queueBytes: 1024 * 1024,
  replayBytes: 64 * 1024,
  replayLines: 500,
  ringLines: 20_000,
  ringSize: 8 * 1024 * 1024,
  authenticateMs: 10_000,
  pingMs: 25_000,
  pongMs: 20_000,
  sweepMs: 1_000,
  revalidateMs: 15 * 60_000,
  recoverMs: 5_000,
  drainBatch: 1_000,
  drainMs: 100,
  closeMs: 10_000,
};
