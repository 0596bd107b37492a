/** What the service stands on: logs, traces, metrics, the database, the event log. */
import { catalogue } from '@annals/contracts/catalogue';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { openEventStore } from '@annals/platform/event-store/open';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { keyedHash } from '@annals/platform/privacy/keyed-hash';
import type { KeyStore } from '@annals/platform/privacy/port';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { createLogger, type Logger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { createSecurityLog, type SecurityLog } from '@annals/platform/telemetry/security-log';
import { createTracing, type Tracing } from '@annals/platform/telemetry/tracing';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import { migrations } from './schema.ts';
import { traceAppends } from './trace-appends.ts';

/** The service's name, in logs, metrics, traces and connections. */
export const NAME = 'command-api';

export interface Platform {
  readonly logger: Logger;
  readonly security: SecurityLog;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly pool: pg.Pool;
  readonly log: EventLog;
  readonly keys: KeyStore;
  /** Keyed hash of texts. */
  readonly hash: (...parts: string[]) => string;
}

/** Opens everything; what was opened is added to `releasers`. */
export async function openPlatform(config: Config, releasers: Releasers): Promise<Platform> {
  const { databaseUrl: url, otlpEndpoint, masterKey, hmacKey } = config;
  const logger = createLogger({ service: NAME, level: config.logLevel });
  const metrics = createMetrics(NAME);
  const tracing = await createTracing({ service: NAME, otlpEndpoint, logger });
  releasers.add(() => tracing.shutdown());
  const pool = createPool({ url, application: NAME });
  releasers.add(() => pool.end());
  await migrate(pool, NAME, migrations);
  const store = await openEventStore(config, { application: NAME, logger });
  releasers.add(() => store.close());
  const keys = await createPostgresKeyStore({ pool, masterKey });
  const log = createEventLog({ store, catalogue, keys, mayCreateKeys: true });
  return {
    logger,
    security: createSecurityLog(logger),
    metrics,
    tracing,
    pool,
    keys,
    log: otlpEndpoint === undefined ? log : traceAppends(log, tracing),
    hash: (...parts) => keyedHash(hmacKey, ...parts),
  };
}
