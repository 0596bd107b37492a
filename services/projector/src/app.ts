/** Composes the projector: folds the log into every view, on whichever of its replicas holds the view's lease. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { catalogue } from '@annals/contracts/catalogue';
import type { ConsumerFaults } from '@annals/platform/consumer/faults';
import { type ConsumersPart, consumersOf, joinConsumers } from '@annals/platform/consumer/joined';
import { parkedDocuments } from '@annals/platform/consumer/postgres/parked';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { createProgress } from '@annals/platform/consumer/progress';
import { type Projection, viewName } from '@annals/platform/consumer/projection';
import { type Consumers, type ConsumersOptions, createConsumers } from '@annals/platform/consumer/runtime';
import type { ViewStore } from '@annals/platform/consumer/store';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { openEventStore } from '@annals/platform/event-store/open';
import type { EventStore } from '@annals/platform/event-store/port';
import { createOpsServer } from '@annals/platform/http/ops-server';
import { type App as AppOf, toApp } from '@annals/platform/lifecycle/app';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { createLogger, type Logger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { createTracing, type Tracing } from '@annals/platform/telemetry/tracing';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import { consumerRoutes, type ParkedDocuments } from './admin.ts';
import type { Config } from './config.ts';
import { projections } from './projections.ts';
import { startTrimming } from './push/trimming.ts';
import { topicRoutes } from './topics/admin.ts';
import { kafkaConfigOf } from './topics/kafka-config.ts';
import { createRelaying, type Relaying } from './topics/relaying.ts';
import { viewMigrations } from './view-migrations.ts';

const NAME = 'projector';
/** From one pass of the audit to the next, at least. */
const AUDIT_EVERY_MS = 60_000;
/** Keys, announcements, trimming and relays. */
const CONNECTIONS = 4;

/** What tests change. */
export interface Overrides {
  readonly faults?: ConsumerFaults;
  readonly projections?: readonly Projection[];
  readonly leaseMs?: number;
  readonly tickMs?: number;
  readonly auditEveryMs?: number;
}

export type App = AppOf<Addresses>;

interface Addresses {
  readonly ops: string;
}

interface Platform {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly pool: Pool;
  /** Views are folded over these, pipelined. */
  readonly viewPool: Pool;
  readonly store: EventStore;
  readonly log: EventLog;
  /** Unique per process. */
  readonly owner: string;
}

/** Creates the service; nothing happens before `start`. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  return toApp((releasers) => run(config, overrides, releasers));
}

async function run(config: Config, overrides: Overrides, releasers: Releasers): Promise<Addresses> {
  const { host, opsPort: port, operatorToken } = config;
  const platform = await openPlatform(config, releasers);
  const { logger, metrics, pool } = platform;
  await migrate(pool, 'views', viewMigrations);
  const { consumers, parked } = await openViews(config, platform, overrides, releasers);
  const relaying = await openRelaying(config, platform, overrides);
  const ops = createOpsServer({
    service: NAME,
    logger,
    metrics,
    operatorToken,
    checks: async () => ({ views: consumers.isReady() }),
    admin: [
      ...consumerRoutes(consumers, (overrides.projections ?? projections).map(viewName), parked),
      ...topicRoutes(relaying, platform.log),
    ],
  });
  releasers.add(() => ops.close());
  releasers.add(() => consumers.stop());
  await consumers.start();
  releasers.add(() => relaying?.stop());
  await relaying?.consumers.start();
  const trimming = startTrimming(pool, logger);
  releasers.add(() => trimming.stop());
  const addresses = { ops: await ops.listen({ host, port }) };
  releasers.add(() => ops.drain());
  logger.info({ ...addresses, views: projections.length }, 'started');
  return addresses;
}

async function openPlatform(config: Config, releasers: Releasers): Promise<Platform> {
  const { databaseUrl: url, masterKey, otlpEndpoint } = config;
  const logger = createLogger({ service: NAME, level: config.logLevel });
  const metrics = createMetrics(NAME);
  const tracing = await createTracing({ service: NAME, otlpEndpoint, logger });
  releasers.add(() => tracing.shutdown());
  const pool = createPool({ url, application: NAME, max: CONNECTIONS });
  releasers.add(() => pool.end());
  const viewPool = createPool({ url, application: NAME, pipeline: true });
  releasers.add(() => viewPool.end());
  const store = await openEventStore(config, { application: NAME, logger });
  releasers.add(() => store.close());
  const keys = await createPostgresKeyStore({ pool, masterKey });
  const log = createEventLog({ store, catalogue, keys });
  const owner = `${hostname()}-${randomBytes(4).toString('hex')}`;
  return { logger, metrics, tracing, pool, viewPool, store, log, owner };
}

/** The relays to integration topics; null where there is no Kafka. */
async function openRelaying(
  config: Config,
  platform: Platform,
  { faults, leaseMs, tickMs }: Overrides,
): Promise<Relaying | null> {
  const kafka = await kafkaConfigOf(config);
  if (kafka) {
    const timing = { ...(leaseMs ? { leaseMs } : {}), ...(tickMs ? { tickMs } : {}) };
    return createRelaying({ ...platform, config: kafka, faults, ...timing });
  }
  platform.logger.info('integration topics are off: ANNALS_KAFKA_BROKERS is not set');
  return null;
}

/** What folds the views, and what of them is parked. */
interface Views {
  readonly consumers: Consumers;
  readonly parked: ParkedDocuments;
}

async function openViews(
  config: Config,
  { log, logger, metrics, tracing, pool, viewPool, owner }: Platform,
  { projections: all = projections, faults, ...timing }: Overrides,
  releasers: Releasers,
): Promise<Views> {
  const progress = createProgress({ pool, logger });
  releasers.add(() => progress.close());
  const audit = { auditEveryMs: AUDIT_EVERY_MS };
  const means = { log, owner, logger, metrics, tracing, progress, faults, ...audit, ...timing };
  const documents = await openDocuments(config, { logger, faults }, releasers);
  const isHere = ({ store }: Projection) => documents === undefined || store === 'rows';
  const rows = partOf(createPostgresViewStore({ pool: viewPool, faults }), all.filter(isHere), means);
  const parkedHere: ParkedDocuments = (options) => parkedDocuments(pool, options);
  if (!documents) return { consumers: rows.consumers, parked: parkedHere };
  const elsewhere = partOf(
    documents.store,
    all.filter((one) => !isHere(one)),
    means,
  );
  return {
    consumers: joinConsumers([rows, elsewhere]),
    parked: async (options) => {
      const here = (await parkedHere(options)).filter(({ consumer }) => !elsewhere.owns(consumer));
      const both = [...here, ...(await documents.parked(options))];
      return both.sort((a, b) => (a.parkedAt < b.parkedAt ? -1 : 1)).slice(0, options.limit);
    },
  };
}

/** The consumers of one store. */
function partOf(
  store: ViewStore,
  consumers: readonly Projection[],
  means: Omit<ConsumersOptions, 'store' | 'consumers'>,
): ConsumersPart {
  return consumersOf(createConsumers({ ...means, store, consumers }), consumers);
}

/** MongoDB, where it is configured; its driver is loaded only then. */
async function openDocuments(
  { mongodbUrl: url }: Config,
  { logger, faults }: { readonly logger: Logger; readonly faults: ConsumerFaults | undefined },
  releasers: Releasers,
): Promise<{ readonly store: ViewStore; readonly parked: ParkedDocuments } | undefined> {
  if (url === undefined) return undefined;
  const { openMongo } = await import('@annals/platform/mongodb/database');
  const { createMongoViewStore } = await import('@annals/platform/consumer/mongodb/store');
  const { parkedDocuments } = await import('@annals/platform/consumer/mongodb/parking');
  const mongo = openMongo({ url, application: NAME });
  releasers.add(() => mongo.close());
  return {
    store: createMongoViewStore({ mongo, logger, faults }),
    parked: (options) => parkedDocuments(mongo, options),
  };
}
