/** One route as the server runs it: authenticate, throttle, authorise, validate, handle. */
import type { ServerResponse } from 'node:http';
import type { Route, ThrottleName } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { type ConfirmForbidden, checkAccess, type RouteAccess } from './access-rule.ts';
import type { Exchange } from './exchange.ts';
import { readBody } from './json-body.ts';
import { addressOf } from './network.ts';
import type { Throttle } from './throttle.ts';
import type { Caller, RouteRequest, RouteResponse } from './types.ts';
import { type RouteShape, type ValidRequest, validate } from './validate.ts';

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
  return operation.handler(new HandlerRequest(valid, caller, exchange, gate.shutdown));
}

async function admit(operation: Operation, exchange: Exchange, gate: Gatekeepers): Promise<Caller> {
  const address = addressOf(exchange.request);
  let caller: Caller;
  try {
    caller = await gate.authenticate(exchange.request.headers.authorization, address);
  } catch (error) {
    // Guessing tokens costs us signature checks, so it counts against the address.
    await takePermit(operation.throttle, { kind: 'anonymous', address }, exchange, gate.throttle);
    throw error;
  }
  exchange.caller = caller;
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

/** Characters of a user agent that anybody gets to see, or to store. */
const LONGEST_USER_AGENT = 512;

/** A validated request on its way to the handler; what few handlers ask for is made when they do. */
class HandlerRequest implements RouteRequest<Route> {
  readonly params: RouteRequest<Route>['params'];
  readonly query: RouteRequest<Route>['query'];
  readonly body: RouteRequest<Route>['body'];
  readonly caller: Caller;
  readonly idempotencyKey: string | null;
  readonly ifMatch: number | null;
  readonly minPosition: string | null;
  readonly waitMs: number;
  readonly ifNoneMatch: readonly string[];
  readonly #exchange: Exchange;
  readonly #shutdown: AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(valid: ValidRequest, caller: Caller, exchange: Exchange, shutdown: AbortSignal) {
    this.params = valid.params;
    this.query = valid.query;
    this.body = valid.body as RouteRequest<Route>['body'];
    this.caller = caller;
    this.idempotencyKey = valid.idempotencyKey;
    this.ifMatch = valid.ifMatch;
    this.minPosition = valid.minPosition;
    this.waitMs = valid.waitMs;
    this.ifNoneMatch = valid.ifNoneMatch;
    this.#exchange = exchange;
    this.#shutdown = shutdown;
  }

  get url(): string {
    return this.#exchange.request.url;
  }

  get userAgent(): string | null {
    // The text of a header is Latin-1: a cut breaks no character.
    return this.#exchange.request.headers['user-agent']?.slice(0, LONGEST_USER_AGENT) ?? null;
  }

  get correlationId(): string {
    return toUuid(this.#exchange.span.traceId);
  }

  get traceparent(): string {
    return this.#exchange.span.traceparent;
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([this.#shutdown, whenGone(this.#exchange.reply.raw)]);
    return this.#signal;
  }
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
  return `${traceId.slice(0, 8)}-${traceId.slice(8, 12)}-8${traceId.slice(13, 16)}-${variant}${traceId.slice(17, 20)}-${traceId.slice(20)}`;
}
