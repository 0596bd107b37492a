/** Cross-origin requests: which headers scripts of the allowed origins may send and read. */

/** Headers that our clients send. */
const SENT = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Annals-Min-Position',
  'Prefer',
  'Traceparent',
];

/** Headers of our answers that scripts may read. */
const EXPOSED = [
  'Allow',
  'Annals-Parked',
  'Annals-Position',
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'WWW-Authenticate',
];

/** Added to answers to allowed origins. */
export const exposeHeaders = { 'access-control-expose-headers': EXPOSED.join(', ') } as const;

/** What a preflight request of an allowed origin is told besides the origin itself. */
export function preflightHeaders(allow: string): Record<string, string> {
  return {
    'access-control-allow-methods': allow,
    'access-control-allow-headers': SENT.join(', '),
    'access-control-max-age': '600',
  };
}
