/** The HTTP server of a service: serves its routes of the route table by the API's conventions. */
import type { Socket } from 'node:net';
import type { Route, ServiceName } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import {
  fastify as createFastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Histogram, Registry } from 'prom-client';
import type { Logger } from '../telemetry/logger.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { ConfirmForbidden } from './access-rule.ts';
import { type BoundInternalRoute, checkBindings } from './bound-routes.ts';
import { answerClientError } from './client-error.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { createDrain } from './drain.ts';
import { createExchanger, type Exchange, notFound, REQUEST_DURATION } from './exchange.ts';
import { createAnswerKept, type KeptAnswers } from './kept-answers.ts';
import { type Authenticate, type Gatekeepers, type Operation, perform } from './operation.ts';
import { type AllowedMethods, compilePaths, toRouterPath } from './paths.ts';
import { securityHeaders } from './security-headers.ts';
import type { Throttle } from './throttle.ts';
import type { BoundRoute, RouteResponse } from './types.ts';

export interface HttpServerOptions {
  readonly service: ServiceName;
  /** The whole route table: 405 and OPTIONS know the methods that other services answer. */
  readonly routes: readonly Route[];
  readonly bound: readonly BoundRoute[];
  readonly internal?: readonly BoundInternalRoute[];
  readonly authenticate: Authenticate;
  readonly confirmForbidden?: ConfirmForbidden;
  /** Answers that are kept for GETs, counted by the throttle `read`. Default: none are. */
  readonly kept?: KeptAnswers;
  /** Default: no limits. */
  readonly throttle?: Throttle;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: Registry;
  readonly publicUrl: string;
  /** CIDRs of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Origins whose scripts may read answers. */
  readonly allowedOrigins: readonly string[];
  /** Host names, in lower case, by which the service may be addressed. Default, and where there are none: any. */
  readonly allowedHosts?: readonly string[];
  /** For `/health/ready`; default: ready. */
  readonly isReady?: () => boolean | Promise<boolean>;
  /** How long {@link HttpServer.close} goes on answering, asking clients to leave. Default 2,000 ms. */
  readonly drainMs?: number;
  /** How long requests in flight may then take. Default 15,000 ms. */
  readonly graceMs?: number;
  /** Called when nothing more is accepted: ends what upgraded connections carry. */
  readonly farewell?: () => Promise<void>;
}

export interface HttpServer {
  /** Starts to accept connections; returns the base URL. Port 0: any free one. */
  listen(address: { host: string; port: number }): Promise<string>;
  /**
   * Reports not ready and closes connections after their next answer, for the drain time or until none is left; then
   * accepts no more, waits for requests in flight, and aborts those that outlast the grace period. Idempotent.
   */
  close(): Promise<void>;
  /** Sends a request without a socket, for tests. */
  readonly inject: FastifyInstance['inject'];
  readonly fastify: FastifyInstance;
}

/** Path parameters may have this many characters. */
const MAX_PARAMETER_LENGTH = 1_000;
/** A request must have arrived after this time. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Its head after this one: whoever keeps it back holds a connection and nothing else. */
const HEAD_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 2_000;

/** Creates the server. Throws where handlers and route table do not fit together. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { publicUrl, bound, internal = [] } = options;
  checkBindings(options.service, options.routes, bound);
  const fastify = createFastify({
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEAD_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    // What still arrives while closing is served like anything else, not with a 503 that is no problem document.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, querystringParser: () => ({}) },
    clientErrorHandler: (error, socket: Socket) => answerClientError(error, socket, publicUrl),
    frameworkErrors: (error, request, reply) => {
      void exchange('malformed', request as FastifyRequest, reply as FastifyReply, () =>
        Promise.reject(error),
      );
    },
  });
  const drain = createDrain(fastify, {
    drainMs: options.drainMs ?? 2_000,
    graceMs: options.graceMs ?? 15_000,
    farewell: options.farewell,
  });
  const baseHeaders = securityHeaders();
  const isAddressed = createHostCheck(options.allowedHosts ?? []);
  const exchange = createExchanger({ ...options, baseHeaders, isDraining: drain.isDraining, isAddressed });
  const { kept, throttle, tracing, logger, metrics } = options;
  const answerKept = kept
    ? createAnswerKept({
        ...kept,
        throttle,
        tracing,
        duration: metrics.getSingleMetric(REQUEST_DURATION) as Histogram<'route' | 'method' | 'status'>,
        baseHeaders: { ...baseHeaders, ...corsHeaders(options.allowedOrigins, undefined) },
        isSuspended: () => drain.isDraining() || logger.isLevelEnabled('debug'),
      })
    : undefined;
  const gate: Gatekeepers = { ...options, shutdown: drain.shutdown };

  // Bodies are read after authentication and throttling, not by fastify, which finds a parser by its name faster.
  fastify.removeAllContentTypeParsers();
  for (const type of ['application/json', '*'])
    fastify.addContentTypeParser(type, (_request, _payload, done) => done(null));
  fastify.register(async (scope) => {
    for (const { route, handler } of bound) serve(scope, route, { ...route, handler });
    for (const route of internal) serve(scope, route, toOperation(route));
    serveHealth(scope, () => !drain.isDraining() && (options.isReady?.() ?? true));
  });
  const allowedMethods = compilePaths(options.routes);
  fastify.setNotFoundHandler((request, reply) => {
    void exchange('unknown', request, reply, (current) => answerUnrouted(current, allowedMethods));
  });
  fastify.setErrorHandler((error, request, reply) => {
    void exchange(request.routeOptions.url ?? 'unknown', request, reply, () => Promise.reject(error));
  });

  function serve(
    scope: FastifyInstance,
    { method, path }: Pick<Route, 'method' | 'path'>,
    operation: Operation,
  ): void {
    // Nothing else is kept, and who calls need not be found out twice.
    const mayBeKept = method === 'GET' && operation.access === 'anyone';
    scope.route({
      method,
      url: toRouterPath(path),
      handler: (request, reply) => {
        const longWay = () =>
          void exchange(path, request, reply, (current) => perform(operation, current, gate));
        const isAnswered = mayBeKept && isAddressed(request) && answerKept?.(path, request, reply, longWay);
        if (!isAnswered) longWay();
      },
    });
  }

  return {
    listen: ({ host, port }) => fastify.listen({ host, port }),
    close: drain.close,
    inject: fastify.inject.bind(fastify),
    fastify,
  };
}

/** Whether a request names a host that is ours; behind a trusted proxy, the one that its client named. */
function createHostCheck(allowedHosts: readonly string[]): (request: FastifyRequest) => boolean {
  const allowed = new Set(allowedHosts);
  return (request) => allowed.size === 0 || allowed.has(request.hostname.toLowerCase());
}

function toOperation(route: BoundInternalRoute): Operation {
  return {
    params: route.params,
    query: route.query,
    body: route.body,
    bodyOptional: false,
    style: 'plain',
    access: 'service',
    throttle: 'none',
    handler: route.handler as Operation['handler'],
  };
}

/** OPTIONS, wrong methods and unknown paths. */
function answerUnrouted({ request, headers }: Exchange, allowedMethods: AllowedMethods): RouteResponse {
  const methods = allowedMethods(request.url.split('?', 1)[0] ?? '');
  // A method that another service answers is a mistake of whoever routed the request here, not of its method.
  if (!methods || (request.method !== 'OPTIONS' && methods.includes(request.method))) throw notFound();
  const allow = methods.join(', ');
  headers.allow = allow;
  if (request.method !== 'OPTIONS') throw new Problem('method-not-allowed', `Use one of ${allow}.`);
  const isAllowedOrigin = headers['access-control-allow-origin'] !== undefined;
  return { status: 204, headers: isAllowedOrigin ? preflightHeaders(allow) : {} };
}

function serveHealth(scope: FastifyInstance, isReady: () => boolean | Promise<boolean>): void {
  scope.get('/health/live', () => ({ status: 'live' }));
  scope.get('/health/ready', async (_request, reply) => {
    const ready = await isReady();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not-ready' });
  });
}
