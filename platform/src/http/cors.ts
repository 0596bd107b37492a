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

const EXPOSED_TEXT = EXPOSED.join(', ');
const VARY = { vary: 'Origin' } as const;

/** Headers of an answer to a request of `origin`: whether scripts of that origin may read it. */
export function corsHeaders(
  allowedOrigins: readonly string[],
  origin: string | undefined,
): Readonly<Record<string, string>> {
  if (allowedOrigins.length === 0) return {};
  if (origin === undefined || !allowedOrigins.includes(origin)) return VARY;
  return { ...VARY, 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_TEXT };
}

/** What a preflight request of an allowed origin is told besides the origin itself. */
export function preflightHeaders(allow: string): Record<string, string> {
  return {
    'access-control-allow-methods': allow,
    'access-control-allow-headers': SENT.join(', '),
    'access-control-max-age': '600',
  };
}
