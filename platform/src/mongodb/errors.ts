/** Which errors of MongoDB and of the connection to it go away by themselves. Told by name: most services never load the driver. */

/** The driver's errors of connections that are gone or do not come. */
const LOST_CONNECTION = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoNotConnectedError',
  'MongoServerSelectionError',
  'MongoTopologyClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
  'MongoExpiredSessionError',
]);

/**
 * Codes that a retry can heal: hosts away, not the primary (any more), shutdown, timeouts, locks and conflicts, sessions
 * and transactions that the server has given up.
 */
const TRANSIENT_CODES = new Set([
  6, 7, 24, 50, 64, 89, 91, 112, 189, 206, 225, 251, 262, 9001, 10058, 10107, 11600, 11601, 11602, 13435,
  13436,
]);

const TRANSIENT_LABELS = [
  'TransientTransactionError',
  'UnknownTransactionCommitResult',
  'RetryableWriteError',
  'ResetPool',
];

/**
 * True for errors that a later attempt may not meet: a lost or refused connection, a new primary, a conflict, a timeout.
 * Says nothing about whether the failed command took effect.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (LOST_CONNECTION.has(error.name)) return true;
  if (!error.name.startsWith('Mongo')) return false;
  if ('code' in error && typeof error.code === 'number' && TRANSIENT_CODES.has(error.code)) return true;
  return TRANSIENT_LABELS.some((label) => hasLabel(error, label));
}

const MAX_TIME_EXPIRED = 50;

/** True where a command's `maxTimeMS` was over before it was done; it has taken no effect. */
export function hasTakenTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === MAX_TIME_EXPIRED;
}

/** True where the driver or the server labelled the error so. */
export function hasLabel(error: unknown, label: string): boolean {
  const labels = error instanceof Error && 'errorLabels' in error ? error.errorLabels : undefined;
  return Array.isArray(labels) && labels.includes(label);
}
