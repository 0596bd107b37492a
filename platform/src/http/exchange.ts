/** One request and its answer: everything that all requests share, whatever route serves them. */
import { type OutgoingHttpHeaders, validateHeaderValue } from 'node:http';
import { Problem } from '@annals/contracts/problems';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { Histogram, type Registry } from 'prom-client';
import type { Logger } from '../telemetry/logger.ts';
import { measureQueries, QueryTime } from '../telemetry/query-time.ts';
import { createSecurityLog, type SecurityLog } from '../telemetry/security-log.ts';
import type { Span, Tracing } from '../telemetry/tracing.ts';
import { corsHeaders } from './cors.ts';
import { discardBody } from './json-body.ts';
import { addressOf } from './network.ts';
import { problemResponse, toProblem } from './problem-response.ts';
import type { Caller, RouteResponse } from './types.ts';

/** The histogram of all requests, labelled `route`, `method`, `status`. */
export const REQUEST_DURATION = 'annals_http_request_duration_seconds';
/** Requests that take longer are logged as warnings. */
const SLOW_MS = 1_000;

export interface ExchangeOptions {
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: Registry;
  readonly publicUrl: string;
  /** Headers of every answer, by lower-case name. */
  readonly baseHeaders: Readonly<Record<string, string>>;
  /** Origins whose scripts may read answers. */
  readonly allowedOrigins: readonly string[];
  /** Whether a request names a host that is ours. */
  readonly isAddressed: (request: FastifyRequest) => boolean;
  /** Whether connections are to be closed after their next answer. */
  readonly isDraining: () => boolean;
}

/** A request under way. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly span: Span;
  /** Set on every answer to this request, a problem's included; by lower-case name. */
  readonly headers: Record<string, string>;
  /** Who calls, once that is known. */
  caller: Caller | null;
}

/** Runs an exchange of the route `label` to its end; never rejects. Whatever `work` throws becomes a problem. */
export type Exchanger = (
  label: string,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (exchange: Exchange) => Promise<RouteResponse> | RouteResponse,
) => Promise<void>;

/** Creates the function that runs exchanges: span, histogram, access log, problems, the headers of every answer. */
export function createExchanger(options: ExchangeOptions): Exchanger {
  const { logger, tracing, publicUrl } = options;
  const tellRefusal = createRefusals(createSecurityLog(logger));
  const duration = new Histogram({
    name: REQUEST_DURATION,
    help: 'Time from the request to its answer, by route',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [options.metrics],
  });

  return async (label, request, reply, work) => {
    const startedAt = performance.now();
    const { method } = request;
    const parent = request.headers.traceparent;
    const span = tracing.start(`${method} ${label}`, {
      kind: 'server',
      parent: typeof parent === 'string' ? parent : undefined,
      attributes: { 'http.request.method': method, 'http.route': label },
    });
    const headers = { ...corsHeaders(options.allowedOrigins, request.headers.origin) };
    const exchange: Exchange = { request, reply, span, headers, caller: null };
    const queries = new QueryTime();
    let response: RouteResponse;
    let failure: unknown;
    try {
      if (!options.isAddressed(request)) throw misdirected();
      response = ready(await measureQueries(queries, () => work(exchange)));
    } catch (error) {
      const problem = toProblem(error);
      const instance = request.url.split('?', 1)[0] ?? request.url;
      response = problemResponse(problem, { publicUrl, instance, traceId: span.traceId });
      if (response.status >= 500) failure = problem.cause ?? problem;
      tellRefusal(exchange, { route: label, method, status: response.status, reason: problem.code });
    }
    const elapsed = performance.now() - startedAt;
    if (response.status >= 400) await discardBody(request.raw);
    send(exchange, response, options, timing(elapsed, queries));
    span.set({ 'http.response.status_code': response.status });
    span.end(failure);
    duration.observe({ route: label, method, status: response.status }, elapsed / 1_000);
    record(logger, exchange, { route: label, method, status: response.status, elapsed, queries, failure });
  };
}

function misdirected(): Problem {
  return new Problem('misdirected-request', 'Address the API by the name that its documentation tells.');
}

/** What the security log is told of; whoever is throttled is named once a minute. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 429]);
const THROTTLED_MS = 60_000;
const MAX_THROTTLED = 10_000;

interface Refusal {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly reason: string;
}

/** Creates the function that tells the security log of refusals [X3]. */
function createRefusals(security: SecurityLog): (exchange: Exchange, refusal: Refusal) => void {
  const throttled = new LRUCache<string, true>({ max: MAX_THROTTLED, ttl: THROTTLED_MS });
  return ({ request, caller, span }, refusal) => {
    if (!REFUSALS.has(refusal.status)) return;
    const userId = caller?.kind === 'user' ? caller.userId : null;
    const address = addressOf(request);
    if (refusal.status === 429) {
      const who = userId ?? address;
      if (throttled.has(who)) return;
      throttled.set(who, true);
    }
    security.tell('request', 'refused', { ...refusal, userId, address, traceId: span.traceId });
  };
}

/** Serialises the body and checks the headers, while what is wrong with them can still become a problem. */
function ready({ status, headers = {}, body }: RouteResponse): RouteResponse {
  for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
  const isReady = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  return { status, headers, body: isReady ? body : JSON.stringify(body) };
}

/** Writes the answer past fastify's reply, which would look at each of two dozen headers several times. */
function send(
  { reply, headers }: Exchange,
  { status, headers: own = {}, body }: RouteResponse,
  { baseHeaders, isDraining }: ExchangeOptions,
  serverTiming: string,
): void {
  const all: OutgoingHttpHeaders = { ...baseHeaders, 'cache-control': 'no-store', ...headers };
  if (body !== undefined) all['content-type'] = 'application/json; charset=utf-8';
  for (const [name, value] of Object.entries(own)) setHeader(all, name.toLowerCase(), value);
  all['server-timing'] = serverTiming;
  if (isDraining()) all.connection = 'close';
  const payload = body as string | Buffer | undefined;
  if (status !== 204 && status !== 304) {
    all['content-length'] = payload === undefined ? 0 : Buffer.byteLength(payload);
  }
  reply.hijack();
  reply.raw.writeHead(status, all).end(payload);
}

/** `Server-Timing` [X4]: the whole request, and how long it waited for queries. */
function timing(elapsed: number, { count, ms }: QueryTime): string {
  return `total;dur=${elapsed.toFixed(1)}, db;dur=${ms.toFixed(1)};desc="queries: ${count}"`;
}

/** `Vary` adds up; of any other header the last value counts. */
function setHeader(all: OutgoingHttpHeaders, name: string, value: string): void {
  const earlier = name === 'vary' ? all.vary : undefined;
  all[name] = earlier === undefined ? value : `${earlier}, ${value}`;
}

interface Outcome {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly elapsed: number;
  readonly queries: QueryTime;
  readonly failure: unknown;
}

/** Says neither path nor query: both may carry tokens and names. */
function record(logger: Logger, { request, span }: Exchange, outcome: Outcome): void {
  const isOrdinary = outcome.status < 400 && outcome.elapsed <= SLOW_MS;
  if (isOrdinary && !logger.isLevelEnabled('debug')) return;
  const { failure, elapsed, queries, ...rest } = outcome;
  const asked = { queries: queries.count, queryMs: Math.round(queries.ms) };
  const line = {
    ...rest,
    ...asked,
    durationMs: Math.round(elapsed),
    traceId: span.traceId,
    address: addressOf(request),
  };
  if (rest.status === 500) logger.error({ ...line, err: failure }, 'request failed');
  else if (rest.status > 500) logger.warn({ ...line, err: failure }, 'request not served');
  else if (elapsed > SLOW_MS) logger.warn(line, 'slow request');
  else if (rest.status >= 400) logger.info(line, 'request refused');
  else logger.debug(line, 'request');
}

/** A 404 that doesn't tell more than that. */
export function notFound(): Problem {
  return new Problem('not-found', 'There is no such resource.');
}
