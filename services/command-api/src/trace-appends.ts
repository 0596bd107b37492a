/** Spans of appends, so that a trace shows what of a command is the log's. */
import { streamCategory } from '@annals/contracts/kit/event';
import type { EventLog } from '@annals/platform/event-log/log';
import type { Tracing } from '@annals/platform/telemetry/tracing';

/** The same log; every append is a span of the trace that its events belong to. */
export function traceAppends(log: EventLog, tracing: Tracing): EventLog {
  return {
    ...log,
    append: (stream, events, expected) =>
      tracing.span(
        `append ${streamCategory(stream)}`,
        {
          kind: 'producer',
          parent: events[0]?.metadata.traceparent,
          attributes: { 'annals.events': events.length },
        },
        () => log.append(stream, events, expected),
      ),
  };
}
