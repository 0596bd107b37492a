/** What a server serves: the bound routes of the table, and internal routes of its own. */
import type { Method, Route, ServiceName } from '@annals/contracts/kit/route';
import { z } from 'zod';
import type { BoundRoute, Caller, RouteResponse } from './types.ts';

const nothing = z.strictObject({});

/** A validated request of an internal route. */
export interface InternalRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Extract<Caller, { kind: 'service' }>;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
}

/** A route for our own services; to others it does not exist. Not part of the route table. */
export interface BoundInternalRoute {
  readonly kind: 'internal-route';
  readonly method: Method;
  /** Below `/internal/`, in OpenAPI notation. */
  readonly path: string;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType | undefined;
  readonly handler: (request: InternalRequest<unknown, unknown, unknown>) => Promise<RouteResponse>;
}

/** Binds a handler to an internal route, typed by its schemas. Params and query default to "none allowed". */
export function bindInternal<
  Params extends z.ZodType = typeof nothing,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType | undefined = undefined,
>(
  route: { method: Method; path: `/internal/${string}`; params?: Params; query?: Query; body?: Body },
  handler: (
    request: InternalRequest<
      z.output<Params>,
      z.output<Query>,
      Body extends z.ZodType ? z.output<Body> : undefined
    >,
  ) => Promise<RouteResponse>,
): BoundInternalRoute {
  return {
    kind: 'internal-route',
    method: route.method,
    path: route.path,
    params: route.params ?? nothing,
    query: route.query ?? nothing,
    body: route.body,
    handler: handler as BoundInternalRoute['handler'],
  };
}

/** Throws, naming all of them, where a route of `service` has no handler, or two, or a handler's route is not in the table. */
export function checkBindings(
  service: ServiceName,
  routes: readonly Route[],
  bound: readonly BoundRoute[],
): void {
  const own = routes.filter((route) => route.service === service);
  const mistakes = [
    ...own
      .filter((route) => !bound.some((binding) => binding.route === route))
      .map(({ name }) => `${name} has no handler`),
    ...bound
      .filter(({ route }) => !own.includes(route))
      .map(({ route }) => `${route.name} is no route of ${service}`),
    ...bound
      .filter(({ route }, index) => bound.findIndex((other) => other.route === route) !== index)
      .map(({ route }) => `${route.name} has two handlers`),
  ];
  if (mistakes.length > 0) throw new Error(`The handlers do not fit the route table: ${mistakes.join('; ')}`);
}
