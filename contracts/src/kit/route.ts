/**
 * Routes: the one table from which HTTP validation, the gateway, 405 and OPTIONS, OpenAPI and the access matrix come.
 * `routes.ts` finds every `*.routes.ts` file.
 */
import { z } from 'zod';
import type { ProblemCode } from '../problems.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type ServiceName = 'command-api' | 'query-api' | 'notifier';

/**
 * Who may call a route. `anyone`: also without a token. `user`: any signed-in user. `owner`: the resource's owner or
 * staff (others get 403, or 404 where they may not know of it). `staff`: holders of the permission `staff`.
 * Another name is a permission; staff hold all of them.
 */
export type Access = 'anyone' | 'user' | 'owner' | 'staff' | Permission;

/** Permissions that staff grant and revoke. `staff` implies the others. */
export const permissions = ['staff', 'can_publish', 'can_feature', 'can_moderate', 'can_import'] as const;
export type Permission = (typeof permissions)[number];

/** Which rate limit a route falls under. */
export type ThrottleName = 'read' | 'write' | 'login' | 'refresh' | 'none';

type NoFields = z.ZodObject<Record<never, never>, z.core.$strict>;

/** A route's public contract. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly kind: 'route';
  /** Unique, camelCase; OpenAPI's operationId. */
  readonly name: string;
  readonly method: Method;
  /** OpenAPI notation, e.g. `/v1/articles/{id}`. */
  readonly path: string;
  readonly service: ServiceName;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly throttle: ThrottleName;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Whether an empty request body is accepted as `{}`. */
  readonly bodyOptional: boolean;
  /** The success answer. No schema: an empty body. */
  readonly success: {
    readonly status: 101 | 200 | 201 | 202 | 204;
    readonly schema?: z.ZodType;
    readonly mediaType?: string;
  };
  /** Problem codes beyond those that every route of its kind can answer. */
  readonly problems: readonly ProblemCode[];
  /** `command`: If-Match and Idempotency-Key are honoured. `query`: Annals-Min-Position is. `plain`: neither. */
  readonly style: 'command' | 'query' | 'plain';
}

interface RouteInput<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType | undefined> {
  name: string;
  method: Method;
  path: string;
  service: ServiceName;
  summary: string;
  tag: string;
  access: Access;
  throttle?: ThrottleName;
  params?: Params;
  query?: Query;
  body?: Body;
  bodyOptional?: boolean;
  success: Route['success'];
  problems?: readonly ProblemCode[];
  style?: Route['style'];
}

const noFields: NoFields = z.strictObject({});

/** Defines a route. Params and query default to "none allowed"; the style follows from service and method. */
export function defineRoute<
  Params extends z.ZodType = NoFields,
  Query extends z.ZodType = NoFields,
  Body extends z.ZodType | undefined = undefined,
>(input: RouteInput<Params, Query, Body>): Route<Params, Query, Body> {
  const inPath = [...input.path.matchAll(/\{(\w+)\}/g)].length;
  if (inPath > 0 && !input.params) throw new Error(`${input.name}: the path has parameters but no schema`);
  return {
    kind: 'route',
    name: input.name,
    method: input.method,
    path: input.path,
    service: input.service,
    summary: input.summary,
    tag: input.tag,
    access: input.access,
    throttle: input.throttle ?? (input.method === 'GET' ? 'read' : 'write'),
    params: (input.params ?? noFields) as Params,
    query: (input.query ?? noFields) as Query,
    body: input.body as Body,
    bodyOptional: input.bodyOptional ?? false,
    success: input.success,
    problems: input.problems ?? [],
    style: input.style ?? (input.service === 'query-api' ? 'query' : 'command'),
  };
}

/** What a handler of the route receives, after validation. */
export type ParamsOf<R extends Route> = z.output<R['params']>;
export type QueryOf<R extends Route> = z.output<R['query']>;
export type BodyOf<R extends Route> = R['body'] extends z.ZodType ? z.output<R['body']> : undefined;

/** `{ id, revision }`: the answer of a command. */
const commandAnswer = z
  .object({ id: z.uuid(), revision: z.int().nonnegative() })
  .meta({ id: 'CommandAnswer' });
/** `{ id }`: the answer of a command on a relation (a like, a follow). */
const relationAnswer = z.object({ id: z.uuid() }).meta({ id: 'RelationAnswer' });

export const created = { status: 201, schema: commandAnswer } as const;
export const changed = { status: 200, schema: commandAnswer } as const;
/** As {@link changed}, where work goes on after the answer. */
export const accepted = { status: 202, schema: commandAnswer } as const;
export const related = { status: 200, schema: relationAnswer } as const;
export const noContent = { status: 204 } as const;
/** A 200 with a body of `schema`. */
export function answers<Schema extends z.ZodType>(schema: Schema): { status: 200; schema: Schema } {
  return { status: 200, schema };
}
