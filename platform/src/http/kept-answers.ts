/**
 * Answers that are there already: sent to callers who ask for what they were given before, past validation and the rest of
 * the way. Throttles, traces, metrics and the headers of every answer are as on that way.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Histogram } from 'prom-client';
import type { Tracing } from '../telemetry/tracing.ts';
import { addressOf } from './network.ts';
import type { Permit, Throttle } from './throttle.ts';
import type { Caller } from './types.ts';

/** An answer of status 200. */
export interface KeptAnswer {
  readonly body: Buffer;
  /** By lower-case name, an `etag` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** For `annals-position`. */
  readonly position: string;
}

/** The kept answer to a GET of `url` by `caller`; undefined where there is none that reaches `minPosition`. */
export type Recall = (caller: Caller, url: string, minPosition: string | undefined) => KeptAnswer | undefined;

/** Who sends this `Authorization` header, where that is known without waiting; undefined where it is not, or not valid. */
export type Recognize = (authorization: string | undefined, address: string) => Caller | undefined;

export interface KeptAnswers {
  readonly recall: Recall;
  readonly recognize: Recognize;
}

export interface KeptAnswersOptions extends KeptAnswers {
  readonly throttle: Throttle | undefined;
  readonly tracing: Tracing;
  readonly duration: Histogram<'route' | 'method' | 'status'>;
  /** Of every answer to a request without an `Origin`. */
  readonly baseHeaders: Readonly<Record<string, string>>;
  /** True where every request goes the long way: it has to be told of, or the connection is to be closed. */
  readonly isSuspended: () => boolean;
}

/**
 * Answers a request of the route `label`, now or soon; false where it has to go the long way. `otherwise` takes it there where
 * that turns out later.
 */
export type AnswerKept = (
  label: string,
  request: FastifyRequest,
  reply: FastifyReply,
  otherwise: () => void,
) => boolean;

export function createAnswerKept(options: KeptAnswersOptions): AnswerKept {
  const { throttle, isSuspended } = options;
  const find = createFinder(options);
  const send = createSender(options);
  return (label, request, reply, otherwise) => {
    const startedAt = performance.now();
    if (isSuspended()) return false;
    const found = find(request);
    if (!found) return false;
    const answer = { label, startedAt, parent: request.raw.headers.traceparent, ...found };
    const permit = throttle?.take('read', found.caller);
    if (permit instanceof Promise) {
      permit.then(
        (granted) => (granted.isGranted ? send(answer, reply, granted) : otherwise()),
        () => otherwise(),
      );
      return true;
    }
    // Refusals are not counted, so it is refused on the long way as well.
    if (permit && !permit.isGranted) return false;
    send(answer, reply, permit);
    return true;
  };
}

/** What is kept for a request. */
interface Found {
  readonly caller: Caller;
  readonly kept: KeptAnswer;
  /** The client has it already. */
  readonly isKnown: boolean;
}

function createFinder({ recall, recognize }: KeptAnswers): (request: FastifyRequest) => Found | undefined {
  return (request) => {
    const { raw } = request;
    if (!isOrdinary(raw)) return undefined;
    const { headers, url = '' } = raw;
    const caller = recognize(headers.authorization, addressOf(request));
    if (!caller) return undefined;
    const kept = recall(caller, url, headers['annals-min-position'] as string | undefined);
    if (!kept) return undefined;
    const wanted = headers['if-none-match'];
    const isKnown = wanted !== undefined;
    return isKnown && wanted !== kept.headers.etag ? undefined : { caller, kept, isKnown };
  };
}

/** A GET without a body, and not of a script. */
function isOrdinary({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.origin === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

interface Sending extends Found {
  readonly label: string;
  readonly startedAt: number;
  readonly parent: string | string[] | undefined;
}

function createSender({ tracing, duration, baseHeaders }: KeptAnswersOptions) {
  const observers = new Map<string, { observe(seconds: number): void }>();
  const observerOf = (route: string, status: string) => {
    const key = `${status} ${route}`;
    const known = observers.get(key);
    if (known) return known;
    const observer = duration.labels({ route, method: 'GET', status });
    observers.set(key, observer);
    return observer;
  };
  const fixed = new WeakMap<KeptAnswer, OutgoingHttpHeaders>();
  const fixedOf = (kept: KeptAnswer): OutgoingHttpHeaders => {
    const known = fixed.get(kept);
    if (known) return known;
    const vary = [baseHeaders.vary, kept.headers.vary].filter((value) => value !== undefined);
    const headers = {
      ...baseHeaders,
      ...kept.headers,
      ...(vary.length > 0 ? { vary: vary.join(', ') } : {}),
    };
    fixed.set(kept, headers);
    return headers;
  };

  return (sending: Sending, reply: FastifyReply, permit: Permit | undefined): void => {
    const { label, kept, isKnown, startedAt, parent } = sending;
    const span = tracing.start(`GET ${label}`, {
      kind: 'server',
      parent: typeof parent === 'string' ? parent : undefined,
      attributes: { 'http.request.method': 'GET', 'http.route': label },
    });
    const status = isKnown ? 304 : 200;
    reply.hijack();
    write(reply.raw, { ...fixedOf(kept), ...permit?.headers }, sending);
    span.set({ 'http.response.status_code': status });
    span.end();
    observerOf(label, String(status)).observe((performance.now() - startedAt) / 1_000);
  };
}

function write(
  response: ServerResponse,
  headers: OutgoingHttpHeaders,
  { kept, isKnown, startedAt }: Sending,
): void {
  headers['annals-position'] = kept.position;
  headers['server-timing'] = `total;dur=${(performance.now() - startedAt).toFixed(1)}, cache;desc="hit"`;
  if (isKnown) {
    response.writeHead(304, headers).end();
    return;
  }
  headers['content-type'] = 'application/json; charset=utf-8';
  headers['content-length'] = kept.body.length;
  response.writeHead(200, headers).end(kept.body);
}
