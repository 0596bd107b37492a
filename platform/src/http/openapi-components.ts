/** What all operations of the OpenAPI document share: the conventions' headers, problems, security. */
import { problems } from '@annals/contracts/problems';

/** A JSON value of the document. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

const text = { type: 'string' } as const;

function requestHeader(name: string, description: string, schema: JsonObject = text): JsonObject {
  return { name, in: 'header', required: false, description, schema };
}

/** Request headers by component name. */
export const parameters = {
  IdempotencyKey: requestHeader(
    'Idempotency-Key',
    'Makes the command safe to repeat: the same key with the same request gives the first answer again.',
    { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  ),
  IfMatch: requestHeader(
    'If-Match',
    '`"<revision>"`, the `ETag` of a GET, or `*`: refuses the command where the resource has moved on.',
  ),
  AnnalsMinPosition: requestHeader(
    'Annals-Min-Position',
    'An `Annals-Position` that was answered: waits until the answer reflects it.',
  ),
  Prefer: requestHeader(
    'Prefer',
    '`wait=<seconds>`: how long to wait for Annals-Min-Position; 2 by default, at most 10.',
  ),
  IfNoneMatch: requestHeader(
    'If-None-Match',
    'Entity tags that the client has: answers 304 where one is current.',
  ),
} satisfies Record<string, JsonObject>;

/** A header that may be there. */
function responseHeader(description: string, schema: JsonObject = text): JsonObject {
  return { description, schema };
}

/** A header of every such answer. */
function promisedHeader(description: string, schema: JsonObject = text): JsonObject {
  return { description, required: true, schema };
}

/** Response headers by component name, which is also the header's own. */
export const headers = {
  'Annals-Position': promisedHeader(
    'Position in the log: of the command’s event, or what a query’s answer reflects. Opaque.',
    { type: 'string', pattern: '^[0-9a-z]{8}\\.[0-9a-f]{16,32}$' },
  ),
  'Annals-Parked': responseHeader('How many resources of the list wait for a repair.', {
    type: 'integer',
    minimum: 1,
  }),
  ETag: promisedHeader(
    '`"<revision>"` after a command, `"<revision>-<hash>"` of a representation; of a list the revision is 0.',
    {
      type: 'string',
      pattern: '^"\\d+(-[\\w-]+)?"$',
    },
  ),
  Location: promisedHeader('The URL of what was created.', { type: 'string', format: 'uri' }),
  'Idempotency-Replayed': responseHeader('The answer is that of an earlier request with the same key.', {
    const: 'true',
  }),
  'RateLimit-Policy': responseHeader(
    'The limits: quota and window in seconds, by policy; callers without limits get none.',
  ),
  RateLimit: responseHeader('What is left, and the seconds until it is restored, by policy.'),
  'Retry-After': promisedHeader('Seconds until it may be tried again.', { type: 'integer', minimum: 1 }),
  Upgrade: promisedHeader('The protocol to switch to.', { const: 'websocket' }),
  'WWW-Authenticate': promisedHeader('The scheme, and what was wrong with the token.'),
} satisfies Record<string, JsonObject>;

const mistake: JsonObject = {
  type: 'object',
  description: 'One mistake; exactly one of pointer, parameter and header says where.',
  properties: {
    pointer: { type: 'string', description: 'A JSON pointer into the body' },
    parameter: { type: 'string', description: 'The name of a query parameter' },
    header: { type: 'string', description: 'The name of a header' },
    code: { type: 'string', description: 'Stable, kebab-case' },
    message: text,
  },
  required: ['code', 'message'],
};

const problem: JsonObject = {
  type: 'object',
  description: 'RFC 9457. Some problems have further members, e.g. `actualRevision`.',
  properties: {
    type: { type: 'string', format: 'uri', description: 'A page that explains the problem' },
    title: text,
    status: { type: 'integer' },
    detail: text,
    instance: text,
    code: { type: 'string', enum: Object.keys(problems), description: 'Stable, kebab-case' },
    traceId: text,
    errors: {
      type: 'array',
      items: { $ref: '#/components/schemas/Mistake' },
      description: 'All mistakes at once',
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'traceId'],
};

export const schemas = { Problem: problem, Mistake: mistake } satisfies Record<string, JsonObject>;

export const securitySchemes = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The access token of a session; valid for 15 minutes.',
  },
} satisfies Record<string, JsonObject>;
