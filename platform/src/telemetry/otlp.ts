/** Spans recorded with the OpenTelemetry SDK and sent to a collector. Loaded only where one is configured. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from './logger.ts';
import { parseTraceparent } from './traceparent.ts';
import type { Recorder } from './tracing.ts';

const SEND_TIMEOUT_MS = 3_000;
/** Spans that wait to be sent: some seconds' worth under load; beyond it they are dropped. */
const MAX_WAITING = 8_192;
/** Of a span that has more, the newest count; the SDK keeps no more either, but would look at all of them. */
const MAX_LINKS = 128;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/** Records every span of a sampled or new trace and sends them in batches to `<endpoint>/v1/traces`. */
export function createOtlpRecorder(service: string, endpoint: string, logger: Logger): Recorder {
  const warn = (error: unknown) => logger.warn({ err: error }, 'spans could not be sent');
  setGlobalErrorHandler(warn);
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: SEND_TIMEOUT_MS });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter, exportTimeoutMillis: SEND_TIMEOUT_MS, maxQueueSize: MAX_WAITING }),
    ],
  });
  const tracer = provider.getTracer('annals');
  return {
    start(name, options = {}) {
      const parent = contextOf(options.parent);
      const span = tracer.startSpan(
        name,
        {
          kind: kinds[options.kind ?? 'internal'],
          attributes: { ...options.attributes },
          links: (options.links ?? [])
            .slice(-MAX_LINKS)
            .flatMap((link) => contextOf(link) ?? [])
            .map((context) => ({ context })),
        },
        parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
      );
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceId,
        traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
        set: (attributes) => span.setAttributes({ ...attributes }),
        end(error) {
          if (error !== undefined) {
            span.setStatus({
              code: SpanStatusCode.ERROR,
              message: error instanceof Error ? error.name : 'failed',
            });
          }
          span.end();
        },
      };
    },
    shutdown: () => provider.shutdown().catch(warn),
  };
}

function contextOf(traceparent: string | undefined) {
  const parsed = parseTraceparent(traceparent);
  return (
    parsed && { traceId: parsed.traceId, spanId: parsed.spanId, traceFlags: parsed.flags & 1, isRemote: true }
  );
}
