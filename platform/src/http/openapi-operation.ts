/** One route as an OpenAPI operation. */
import { STATUS_CODES } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Route } from '@annals/contracts/kit/route';
import { type ProblemCode, problems } from '@annals/contracts/problems';
import { z } from 'zod';
import type { headers, Json, JsonObject, parameters } from './openapi-components.ts';

type HeaderName = keyof typeof headers;
type ParameterName = keyof typeof parameters;

/** The schemas with names of their own that operations refer to, collected on the way. */
export type NamedSchemas = Map<string, Json>;

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, JsonObject>>;
  readonly required?: readonly string[];
}

/** Describes `route`. */
export function toOperation(route: Route, named: NamedSchemas): JsonObject {
  const query = toJsonSchema(route.query, 'input', named) as ObjectSchema;
  const takesCursor = query.properties?.cursor !== undefined;
  return {
    operationId: route.name,
    summary: route.summary,
    tags: [route.tag],
    description: ACCESS[route.access] ?? `For holders of the permission \`${route.access}\`, and staff.`,
    security: route.access === 'anyone' ? [{}, { accessToken: [] }] : [{ accessToken: [] }],
    parameters: [
      ...toParameters('path', toJsonSchema(route.params, 'input', named) as ObjectSchema),
      ...toParameters('query', query),
      ...STYLE_PARAMETERS[route.style].map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ],
    ...(route.body ? { requestBody: toRequestBody(route.body, !route.bodyOptional, named) } : {}),
    responses: { ...successResponses(route, named), ...problemResponses(route, takesCursor) },
  };
}

const ACCESS: Readonly<Record<string, string>> = {
  anyone: 'For anyone, also without a token.',
  user: 'For signed-in users.',
  owner: 'For the resource’s owner, and staff.',
  staff: 'For staff.',
};

const STYLE_PARAMETERS: Readonly<Record<Route['style'], readonly ParameterName[]>> = {
  command: ['IdempotencyKey', 'IfMatch'],
  query: ['AnnalsMinPosition', 'Prefer', 'IfNoneMatch'],
  plain: [],
};

function toParameters(
  place: 'path' | 'query',
  { properties = {}, required = [] }: ObjectSchema,
): JsonObject[] {
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function toRequestBody(body: z.ZodType, required: boolean, named: NamedSchemas): JsonObject {
  return { required, content: { 'application/json': { schema: toJsonSchema(body, 'input', named) } } };
}

function successResponses(route: Route, named: NamedSchemas): JsonObject {
  const { status, schema, mediaType = 'application/json' } = route.success;
  const whole = schema && toJsonSchema(schema, 'output', named);
  const json = whole && takesFields(route) ? orSparse(whole, named) : whole;
  const names = successHeaders(route, membersOf(schema));
  const success = {
    description: STATUS_CODES[status] ?? '',
    headers: toHeaders(names),
    ...(json ? { content: { [mediaType]: { schema: json } } } : {}),
  };
  const unchanged = { description: 'The client has the current representation.', headers: toHeaders(names) };
  return {
    [status]: success,
    ...(names.includes('ETag') && route.style === 'query' ? { 304: unchanged } : {}),
  };
}

function takesFields({ query }: Route): boolean {
  return query instanceof z.ZodObject && 'fields' in query.shape;
}

/** An answer, or each item of a list, as `fields` and `exclude` may leave it: every member is optional. */
function orSparse(json: JsonObject, named: NamedSchemas): JsonObject {
  const { properties } = json as ObjectSchema;
  const items = properties?.results?.items as JsonObject | undefined;
  if (items) {
    const results = { ...properties?.results, items: orSparse(items, named) };
    return { ...json, properties: { ...properties, results } };
  }
  if (typeof json.$ref !== 'string') return optional(json);
  const name = json.$ref.slice(json.$ref.lastIndexOf('/') + 1);
  const description = `Of \`${name}\`, what \`fields\` and \`exclude\` leave.`;
  addNamed(named, `Sparse${name}`, { ...optional(named.get(name) as JsonObject), description });
  return { anyOf: [json, { $ref: `#/components/schemas/Sparse${name}` }] };
}

function optional({ required: _, ...rest }: JsonObject): JsonObject {
  return rest;
}

function successHeaders({ style, success, throttle }: Route, members: ReadonlySet<string>): HeaderName[] {
  const names: HeaderName[] = throttle === 'none' ? [] : ['RateLimit-Policy', 'RateLimit'];
  if (style === 'plain') return names;
  names.push('Annals-Position');
  if (style === 'query') {
    if (members.has('results')) names.push('Annals-Parked');
    names.push('ETag');
  } else {
    names.push('Idempotency-Replayed');
    if (members.has('revision')) names.push('ETag');
    if (success.status === 201) names.push('Location');
  }
  return names;
}

function membersOf(schema: z.ZodType | undefined): ReadonlySet<string> {
  return new Set(schema instanceof z.ZodObject ? Object.keys(schema.shape) : []);
}

function toHeaders(names: readonly HeaderName[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** The route's own problems and those of every route of its kind, one response per status. */
function problemResponses(route: Route, takesCursor: boolean): JsonObject {
  const codes = new Set<ProblemCode>([...commonProblems(route, takesCursor), ...route.problems]);
  const statuses = [...new Set([...codes].map((code) => problems[code].status))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const listed = [...codes].filter((code) => problems[code].status === status).sort();
      const names: HeaderName[] = route.throttle === 'none' ? [] : ['RateLimit-Policy', 'RateLimit'];
      if (status === 429 || status === 503) names.push('Retry-After');
      if (status === 401) names.push('WWW-Authenticate');
      if (status === 426) names.push('Upgrade');
      return [
        status,
        {
          description: listed.map((code) => `\`${code}\`: ${problems[code].title}.`).join('\n'),
          headers: toHeaders(names),
          content: { 'application/problem+json': { schema: problemOf(listed) } },
        },
      ];
    }),
  );
}

function problemOf(codes: readonly ProblemCode[]): JsonObject {
  return {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: [...codes] } } }],
  };
}

const STYLE_PROBLEMS: Readonly<Record<Route['style'], readonly ProblemCode[]>> = {
  command: ['revision-mismatch', 'idempotency-key-reused', 'idempotency-in-flight', 'concurrent-changes'],
  query: ['unknown-position', 'projection-behind', 'projection-parked'],
  plain: [],
};

function commonProblems(
  { style, access, throttle, path, method }: Route,
  takesCursor: boolean,
): ProblemCode[] {
  return [
    'malformed-request',
    'unknown-parameter',
    'invalid-parameter',
    'unauthenticated',
    'token-expired',
    'headers-too-large',
    'misdirected-request',
    'internal-error',
    'unavailable',
    ...STYLE_PROBLEMS[style],
    // Of users as well: what is meant for people is refused to services.
    ...(access === 'anyone' ? [] : (['forbidden'] as const)),
    ...(path.includes('{') ? (['not-found'] as const) : []),
    ...(throttle === 'none' ? [] : (['too-many-requests'] as const)),
    ...(takesCursor ? (['page-too-deep', 'invalid-cursor'] as const) : []),
    // Without a body too: one that comes all the same is read and refused.
    ...(method !== 'GET'
      ? (['malformed-json', 'body-too-large', 'unsupported-media-type', 'validation-failed'] as const)
      : []),
  ];
}

/**
 * A schema's JSON Schema; parts that carry an id of their own become components. Answers stay open for further members,
 * requests don't.
 */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output', named: NamedSchemas): JsonObject {
  const json = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  const rewritten = JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $schema: _dialect, $defs = {}, id, ...rest } = JSON.parse(rewritten) as Record<string, Json>;
  for (const [name, definition] of Object.entries($defs as JsonObject))
    addNamed(named, name, withoutId(definition));
  if (typeof id !== 'string') return rest;
  addNamed(named, id, rest);
  return { $ref: `#/components/schemas/${id}` };
}

function addNamed(named: NamedSchemas, name: string, definition: Json): void {
  const known = named.get(name);
  if (known !== undefined && !isDeepStrictEqual(known, definition))
    throw new Error(`two schemas have the id ${name}`);
  named.set(name, definition);
}

/** zod leaves the id in the schema; in JSON Schema it would mean something else. */
function withoutId(definition: Json): Json {
  const { id: _id, ...rest } = definition as JsonObject;
  return rest;
}
