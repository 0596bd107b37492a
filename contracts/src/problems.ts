/** The one catalogue of problem codes: what can go wrong, its HTTP status and its title. Each has a page in docs/problems. */

export const problems = {
  'malformed-request': { status: 400, title: 'The request could not be understood' },
  'malformed-json': { status: 400, title: 'The body is not valid JSON' },
  'unknown-parameter': { status: 400, title: 'A query parameter is unknown or repeated' },
  'invalid-parameter': { status: 400, title: 'A parameter or header has an invalid value' },
  'page-too-deep': { status: 400, title: 'The page lies too deep; use a cursor' },
  'invalid-cursor': { status: 400, title: 'The cursor is not one of this list' },
  'unknown-position': { status: 400, title: 'The position is not one of this log' },
  'idempotency-key-required': { status: 400, title: 'An Idempotency-Key is required' },
  unauthenticated: { status: 401, title: 'Authentication is required' },
  'token-expired': { status: 401, title: 'The access token has expired' },
  'invalid-credentials': { status: 401, title: 'Login or password is wrong' },
  'invalid-refresh-token': { status: 401, title: 'The refresh token is not valid' },
  forbidden: { status: 403, title: 'You may not do this' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'method-not-allowed': { status: 405, title: 'The resource does not take this method' },
  'username-taken': { status: 409, title: 'The username is taken' },
  'email-taken': { status: 409, title: 'The e-mail address is taken' },
  'title-taken': { status: 409, title: 'The author already has an article of this title' },
  'slug-taken': { status: 409, title: 'No free slug could be found' },
  'external-id-taken': { status: 409, title: 'The author already has an article with this external id' },
  'category-name-taken': { status: 409, title: 'There is a category of this name' },
  'category-slug-taken': { status: 409, title: 'There is a category of this slug' },
  'own-access': { status: 409, title: 'Nobody takes their own access away' },
  'not-publishable': { status: 409, title: 'The article has no content to publish' },
  'not-featurable': { status: 409, title: 'Only a published article can be featured' },
  'concurrent-changes': { status: 409, title: 'The resource is being changed by many at once; try again' },
  'idempotency-in-flight': { status: 409, title: 'The first request with this key is still running' },
  'revision-mismatch': { status: 412, title: 'The resource has moved on' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'misdirected-request': { status: 421, title: 'The host is not one of this API' },
  'upgrade-required': { status: 426, title: 'The resource is a WebSocket' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'invalid-token': { status: 422, title: 'The token is not valid, or not any more' },
  'validation-failed': { status: 422, title: 'The request has mistakes' },
  'precondition-required': { status: 428, title: 'An If-Match header is required' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  'projection-behind': { status: 503, title: 'The view has not got there yet' },
  'projection-parked': { status: 503, title: 'The view of this resource is waiting for a repair' },
  unavailable: { status: 503, title: 'The service is not available right now' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** Where a mistake is: a JSON pointer into the body, a query parameter, or a header. */
export type MistakePlace =
  | { readonly pointer: string }
  | { readonly parameter: string }
  | { readonly header: string };

/** One mistake of a request. */
export type Mistake = MistakePlace & { readonly code: string; readonly message: string };

/** A refusal with a code of the catalogue: thrown by domain and adapters, mapped to problem+json at the edge. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly mistakes: readonly Mistake[];
  /** Further members of the problem document, e.g. `actualRevision`. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Seconds for `Retry-After`. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    options: {
      mistakes?: readonly Mistake[];
      extra?: Record<string, unknown>;
      retryAfter?: number;
      cause?: unknown;
    } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.mistakes = options.mistakes ?? [];
    this.extra = options.extra ?? {};
    this.retryAfter = options.retryAfter;
  }
}
