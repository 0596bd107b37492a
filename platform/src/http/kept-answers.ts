/**
 * Answers that are there already: sent to whoever asks for the very same without a token, past validation and the rest of
 * the way. Throttles, traces, metrics and the headers of every answer are as on that way.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Histogram } from 'prom-client';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Permit, Throttle } from './throttle.ts';

/** An answer of status 200. */
export interface KeptAnswer {
  readonly body: Buffer;
  /** By lower-case name, an `etag` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** For `annals-position`. */
  readonly position: string;
}

/** The kept answer to a GET of `url` by an anonymous caller; undefined where there is none that reaches `minPosition`. */
export type Recall = (url: string, minPosition: string | undefined) => KeptAnswer | undefined;

export interface KeptAnswersOptions {
  readonly recall: Recall;
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
  const { recall, throttle, isSuspended } = options;
  const send = createSender(options);
  return (label, request, reply, otherwise) => {
    const startedAt = performance.now();
    if (isSuspended()) return false;
    if (!isOrdinary(request.raw)) return false;
    const { headers, url = '' } = request.raw;
    const kept = recall(url, headers['annals-min-position'] as string | undefined);
    if (!kept) return false;
    const wanted = headers['if-none-match'];
    if (wanted !== undefined && wanted !== kept.headers.etag) return false;
    const answer = { label, kept, isKnown: wanted !== undefined, startedAt, parent: headers.traceparent };
    const permit = throttle?.take('read', { kind: 'anonymous', address: request.ip });
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

/** A GET without a token, without a body, and not of a script. */
function isOrdinary({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.authorization === undefined &&
    headers.origin === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

interface Sending {
  readonly label: string;
  readonly kept: KeptAnswer;
  /** The client has it already. */
  readonly isKnown: boolean;
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
