import type { EventLog } from '@annals/platform/event-log/log';
import type { Logger } from '@annals/platform/telemetry/logger';
import type { Tracing } from '@annals/platform/telemetry/tracing';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';

/** The service's name, in logs, metrics, traces and connections. */
export const NAME = 'notifier';

/** What the service stands on. */
export interface Platform {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly pool: Pool;
  readonly log: EventLog;
}
