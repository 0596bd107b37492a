/** Which errors of PostgreSQL and of the connection to it go away by themselves. */

/**
 * SQLSTATE classes and codes that a retry can heal: 08 connection, 53 resources, 40001 serialization, 40P01 deadlock,
 * 55P03 lock timeout, 57014 statement timeout, 57P0x shutdown and start, 25006 a primary that became a replica,
 * 25P03/25P04 timeouts of a transaction.
 */
const TRANSIENT_SQLSTATE = /^(08...|53...|40001|40P01|55P03|57014|57P0[1-5]|25006|25P03|25P04)$/;

const TRANSIENT_SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** What pg and pg-pool say, without a code, about a connection that is gone or does not come. */
const LOST_CONNECTION =
  /connection terminated|connection ended|connection error and is not queryable|client was closed|query read timeout|timeout expired|timeout exceeded when trying to connect/i;

/**
 * True for errors that a later attempt may not meet: a lost or refused connection, a server that restarts, a
 * deadlock, a serialization failure, a timeout. Says nothing about whether the failed statement took effect.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined) return TRANSIENT_SQLSTATE.test(code) || TRANSIENT_SYSTEM_CODES.has(code);
  return LOST_CONNECTION.test(error.message) || isTransient(error.cause);
}
