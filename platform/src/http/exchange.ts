/** One request and its answer: everything that all requests share, whatever route serves them. */
import { validateHeaderValue } from 'node:http';
import { Problem } from '@annals/contracts/problems';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import type { Logger } from '../telemetry/logger.ts';
import type { Span, Tracing } from '../telemetry/tracing.ts';
import { exposeHeaders } from './cors.ts';
import { discardBody } from './json-body.ts';
import { problemResponse, toProblem } from './problem-response.ts';
import type { RouteResponse } from './types.ts';

/** Requests that take longer are logged as warnings. */
const SLOW_MS = 1_000;

export interface ExchangeOptions {
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: Registry;
  readonly publicUrl: string;
  /** Headers of every answer. */
  readonly baseHeaders: Readonly<Record<string, string>>;
  /** Whether connections are to be closed after their next answer. */
  readonly isDraining: () => boolean;
}

/** A request under way. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly span: Span;
  /** Set on every answer to this request, a problem's included. */
  readonly headers: Record<string, string>;
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
  const duration = new Histogram({
    name: 'annals_http_request_duration_seconds',
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
    const exchange: Exchange = { request, reply, span, headers: {} };
    let response: RouteResponse;
    let failure: unknown;
    try {
      response = ready(await work(exchange));
    } catch (error) {
      const problem = toProblem(error);
      const instance = request.url.split('?', 1)[0] ?? request.url;
      response = problemResponse(problem, { publicUrl, instance, traceId: span.traceId });
      if (response.status >= 500) failure = problem.cause ?? problem;
    }
    const elapsed = performance.now() - startedAt;
    if (response.status >= 400) await discardBody(request.raw);
    send(exchange, response, options, elapsed);
    span.set({ 'http.response.status_code': response.status });
    span.end(failure);
    duration.observe({ route: label, method, status: response.status }, elapsed / 1_000);
    record(logger, exchange, { route: label, method, status: response.status, elapsed, failure });
  };
}

/** Serialises the body and checks the headers, while what is wrong with them can still become a problem. */
function ready({ status, headers = {}, body }: RouteResponse): RouteResponse {
  for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
  const isReady = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  return { status, headers, body: isReady ? body : JSON.stringify(body) };
}

function send(
  { reply, headers }: Exchange,
  response: RouteResponse,
  options: ExchangeOptions,
  elapsed: number,
): void {
  reply
    .code(response.status)
    .headers(options.baseHeaders)
    .header('cache-control', 'no-store')
    .headers(headers);
  if (response.body !== undefined) reply.header('content-type', 'application/json; charset=utf-8');
  if (reply.hasHeader('access-control-allow-origin')) reply.headers(exposeHeaders);
  for (const [name, value] of Object.entries(response.headers ?? {})) setHeader(reply, name, value);
  reply.header('server-timing', `total;dur=${elapsed.toFixed(1)}`);
  if (options.isDraining()) reply.header('connection', 'close');
  reply.send(response.body);
}

/** `Vary` adds up; of any other header the last value counts. */
function setHeader(reply: FastifyReply, name: string, value: string): void {
  const earlier = name.toLowerCase() === 'vary' ? reply.getHeader('vary') : undefined;
  reply.header(name, earlier === undefined ? value : `${earlier}, ${value}`);
}

interface Outcome {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly elapsed: number;
  readonly failure: unknown;
}

/** Says neither path nor query: both may carry tokens and names. */
function record(logger: Logger, { request, span }: Exchange, outcome: Outcome): void {
  const isOrdinary = outcome.status < 400 && outcome.elapsed <= SLOW_MS;
  if (isOrdinary && !logger.isLevelEnabled('debug')) return;
  const { failure, elapsed, ...rest } = outcome;
  const line = { ...rest, durationMs: Math.round(elapsed), traceId: span.traceId, address: request.ip };
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
