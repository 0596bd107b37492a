/** One route as the server runs it: authenticate, throttle, authorise, validate, handle. */
import type { ServerResponse } from 'node:http';
import type { Route, ThrottleName } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { type ConfirmForbidden, checkAccess, type RouteAccess } from './access-rule.ts';
import type { Exchange } from './exchange.ts';
import { readBody } from './json-body.ts';
import type { Throttle } from './throttle.ts';
import type { Caller, RouteRequest, RouteResponse } from './types.ts';
import { type RouteShape, validate } from './validate.ts';

/** Turns an `Authorization` header into the caller; throws `unauthenticated`, `token-expired` or `unavailable`. */
export type Authenticate = (authorization: string | undefined, address: string) => Caller | Promise<Caller>;

export interface Gatekeepers {
  readonly authenticate: Authenticate;
  readonly confirmForbidden?: ConfirmForbidden | undefined;
  readonly throttle?: Throttle | undefined;
  /** Aborted when the server shuts down hard. */
  readonly shutdown: AbortSignal;
}

export interface Operation extends RouteShape {
  readonly access: RouteAccess;
  readonly throttle: ThrottleName;
  readonly handler: (request: RouteRequest<Route>) => Promise<RouteResponse>;
}

/** Serves one request. */
export async function perform(
  operation: Operation,
  exchange: Exchange,
  gate: Gatekeepers,
): Promise<RouteResponse> {
  const { request } = exchange;
  const caller = await admit(operation, exchange, gate);
  const body = await readBody(request.raw);
  const valid = validate(operation, {
    url: request.url,
    params: request.params,
    headers: request.headers,
    body,
  });
  return operation.handler(toRouteRequest(valid, caller, exchange, gate.shutdown));
}

async function admit(operation: Operation, exchange: Exchange, gate: Gatekeepers): Promise<Caller> {
  const address = exchange.request.ip;
  let caller: Caller;
  try {
    caller = await gate.authenticate(exchange.request.headers.authorization, address);
  } catch (error) {
    // Guessing tokens costs us signature checks, so it counts against the address.
    await takePermit(operation.throttle, { kind: 'anonymous', address }, exchange, gate.throttle);
    throw error;
  }
  await takePermit(operation.throttle, caller, exchange, gate.throttle);
  return checkAccess(operation.access, caller, gate.confirmForbidden);
}

async function takePermit(
  name: ThrottleName,
  caller: Caller,
  exchange: Exchange,
  throttle: Throttle | undefined,
): Promise<void> {
  if (!throttle || name === 'none') return;
  const permit = await throttle.take(name, caller);
  Object.assign(exchange.headers, permit.headers);
  if (permit.isGranted) return;
  throw new Problem('too-many-requests', 'Too many requests; try again later.', {
    retryAfter: permit.retryAfter,
  });
}

function toRouteRequest(
  valid: ReturnType<typeof validate>,
  caller: Caller,
  { request, reply, span }: Exchange,
  shutdown: AbortSignal,
): RouteRequest<Route> {
  let signal: AbortSignal | undefined;
  return {
    params: valid.params,
    query: valid.query,
    body: valid.body as RouteRequest<Route>['body'],
    caller,
    url: request.url,
    userAgent: request.headers['user-agent'] ?? null,
    idempotencyKey: valid.idempotencyKey,
    ifMatch: valid.ifMatch,
    minPosition: valid.minPosition,
    waitMs: valid.waitMs,
    ifNoneMatch: valid.ifNoneMatch,
    /** What only commands need is made when asked for. */
    get correlationId() {
      return toUuid(span.traceId);
    },
    get traceparent() {
      return span.traceparent;
    },
    /** Most handlers never ask. */
    get signal() {
      signal ??= AbortSignal.any([shutdown, whenGone(reply.raw)]);
      return signal;
    },
  };
}

function whenGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}

/** A trace id as a UUID (version 8: of one's own making), so that one leads to the other. */
function toUuid(traceId: string): string {
  const variant = '89ab'[Number.parseInt(traceId.charAt(16), 16) & 3];
  return [
    traceId.slice(0, 8),
    traceId.slice(8, 12),
    `8${traceId.slice(13, 16)}`,
    `${variant}${traceId.slice(17, 20)}`,
    traceId.slice(20),
  ].join('-');
}
