/** What handlers of routes receive and answer: the seam between the HTTP kit and the services. */
import type { BodyOf, ParamsOf, Permission, QueryOf, Route } from '@annals/contracts/kit/route';

/** Who calls. `anonymous` callers are told apart by address; services by the name in their token. */
export type Caller =
  | { readonly kind: 'anonymous'; readonly address: string }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly sessionId: string;
      readonly permissions: ReadonlySet<Permission>;
      readonly address: string;
    }
  | { readonly kind: 'service'; readonly name: string; readonly address: string };

/** True where the caller holds `permission`; staff and services hold all. */
export function holds(caller: Caller, permission: Permission): boolean {
  if (caller.kind === 'service') return true;
  return caller.kind === 'user' && (caller.permissions.has('staff') || caller.permissions.has(permission));
}

/** A validated request. */
export interface RouteRequest<R extends Route> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  readonly caller: Caller;
  /** The path and query as the client wrote them, e.g. `/v1/articles?page=2`. */
  readonly url: string;
  /** What the client calls itself: at most 512 characters of it. */
  readonly userAgent: string | null;
  /** Commands: the Idempotency-Key, if any. */
  readonly idempotencyKey: string | null;
  /** Commands: the revision of If-Match; `*` or nothing is null. */
  readonly ifMatch: number | null;
  /** Queries: Annals-Min-Position, if any. */
  readonly minPosition: string | null;
  /** Queries: how long to wait for it, in milliseconds. */
  readonly waitMs: number;
  /** Queries: the entity tags of If-None-Match. */
  readonly ifNoneMatch: readonly string[];
  /** Ids and trace context for events and logs. */
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  /** Aborted when the client goes away or the server shuts down hard. */
  readonly signal: AbortSignal;
}

/** A success answer. Failures are thrown as `Problem`s. */
export interface RouteResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Serialised by the kit, unless it is a string or a Buffer: those are sent as they are (JSON by default). */
  readonly body?: unknown;
  /** What it was made of, for those who keep answers; nothing to the kit. */
  readonly basis?: object | undefined;
  /** Where it depends on the time: until when it holds, in milliseconds since 1970. */
  readonly until?: number | undefined;
}

export type Handler<R extends Route> = (request: RouteRequest<R>) => Promise<RouteResponse>;

/** A route with its handler: what `*.handlers.ts`, `*.commands.ts` and `*.queries.ts` files export. */
export interface BoundRoute {
  readonly kind: 'bound-route';
  readonly route: Route;
  readonly handler: Handler<Route>;
}

/** Binds a handler to its route, typed by the route's schemas. */
export function bind<R extends Route>(route: R, handler: Handler<R>): BoundRoute {
  return { kind: 'bound-route', route, handler: handler as unknown as Handler<Route> };
}
