/**
 * Traces: spans of our own, opened by hand, with parents and links given as W3C `traceparent` texts, so that a trace
 * goes from the request through the event's metadata to projections, pushes and mails. Without a collector nothing is
 * recorded and the OpenTelemetry SDK is not even loaded, but trace ids still exist, for logs and problem documents.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from './logger.ts';
import { parseTraceparent } from './traceparent.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Default `internal`. */
  readonly kind?: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** The traceparent of the span that this one belongs to; what is none counts as absent and starts a new trace. */
  readonly parent?: string | undefined;
  /** Traceparents of what caused this span without being its parent, e.g. of the events of a batch. */
  readonly links?: readonly string[];
  readonly attributes?: Attributes;
}

/** A span under way. */
export interface Span {
  /** For children, for outgoing requests and for event metadata. */
  readonly traceparent: string;
  /** 32 hex digits. */
  readonly traceId: string;
  set(attributes: Attributes): void;
  /** Ends the span, once; with an error it counts as failed. */
  end(error?: unknown): void;
}

export interface Tracing {
  /** Opens a span that the caller ends: for where work can't be wrapped, such as hooks of an HTTP server. */
  start(name: string, options?: SpanOptions): Span;
  /** Runs `work` in a span that ends with it, failed where it throws. */
  span<Result>(name: string, options: SpanOptions, work: (span: Span) => Promise<Result>): Promise<Result>;
  /** Sends what is still queued (at most 3 s). */
  shutdown(): Promise<void>;
}

/** How spans are opened and sent. */
export type Recorder = Pick<Tracing, 'start' | 'shutdown'>;

/**
 * Creates the tracing of `service`. With `otlpEndpoint` (base URL of an OTLP/HTTP collector) spans are sent in batches;
 * its failures are logged and hurt nothing else. Where the queue is full spans are dropped.
 */
export async function createTracing(options: {
  service: string;
  otlpEndpoint?: string | undefined;
  logger: Logger;
}): Promise<Tracing> {
  const { service, otlpEndpoint, logger } = options;
  const recorder =
    otlpEndpoint === undefined
      ? passThrough
      : (await import('./otlp.ts')).createOtlpRecorder(service, otlpEndpoint, logger);
  return {
    ...recorder,
    async span(name, spanOptions, work) {
      const span = recorder.start(name, spanOptions);
      try {
        const result = await work(span);
        span.end();
        return result;
      } catch (error) {
        span.end(error ?? new Error('failed'));
        throw error;
      }
    },
  };
}

/**
 * Records nothing: a child is its parent, and a new trace is marked as not sampled. Most of them nobody asks about, so
 * what they are called is made up when it is asked for.
 */
const passThrough: Recorder = {
  start: (_name, options) => {
    const parent = parseTraceparent(options?.parent);
    if (parent && options?.parent !== undefined)
      return { traceId: parent.traceId, traceparent: options.parent, set: nothing, end: nothing };
    let traceId: string | undefined;
    let traceparent: string | undefined;
    return {
      get traceId() {
        traceId ??= randomHex(32);
        return traceId;
      },
      get traceparent() {
        traceparent ??= `00-${this.traceId}-${randomHex(16)}-00`;
        return traceparent;
      },
      set: nothing,
      end: nothing,
    };
  },
  shutdown: () => Promise.resolve(),
};

function nothing(): void {}

function randomHex(digits: 16 | 32): string {
  const uuid = randomUUID();
  const first = uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18);
  return digits === 16 ? first : `${first}${uuid.slice(19, 23)}${uuid.slice(24)}`;
}
