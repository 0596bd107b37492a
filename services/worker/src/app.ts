/** Composes the worker: reactions follow the log, jobs do what takes time. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { catalogue } from '@annals/contracts/catalogue';
import type { ConsumerFaults } from '@annals/platform/consumer/faults';
import { createPostgresReactionStore } from '@annals/platform/consumer/postgres/store';
import { type Consumers, createConsumers } from '@annals/platform/consumer/runtime';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { openEventStore } from '@annals/platform/event-store/open';
import { adminRoute, createOpsServer } from '@annals/platform/http/ops-server';
import { type App as AppOf, toApp } from '@annals/platform/lifecycle/app';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { createPool } from '@annals/platform/postgres/pool';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { signToken, type TokenClaims } from '@annals/platform/privacy/signed-token';
import { createLogger, type Logger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { createTracing, type Tracing } from '@annals/platform/telemetry/tracing';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import { discoverTasks, type JobsOptions, runJobs } from './jobs/runner.ts';
import { prepareJobs } from './jobs/schema.ts';
import { jobsStatus, mailsStatus, observeJobs } from './jobs/status.ts';
import { createMailer } from './mailing/create-mailer.ts';
import type { TokenPurpose } from './mailing/template.ts';
import { createQueries } from './queries.ts';
import { createCommands } from './reactions/commands.ts';
import { discoverReactions, toConsumer } from './reactions/consumers.ts';
import type { Commands } from './reactions/reaction.ts';

const NAME = 'worker';
/** For jobs, reactions and status; one more listens for new jobs. */
const CONNECTIONS = 10;

/** What tests change. */
export interface Overrides {
  readonly jobPolicy?: JobsOptions['policy'];
  readonly leaseMs?: number;
  readonly tickMs?: number;
  readonly faults?: ConsumerFaults;
  readonly createMailer?: typeof createMailer;
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
  readonly log: EventLog;
}

/** Creates the service; nothing happens before `start`. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  return toApp((releasers) => run(config, overrides, releasers));
}

async function run(config: Config, overrides: Overrides, releasers: Releasers): Promise<Addresses> {
  const platform = await openPlatform(config, releasers);
  const { pool, logger } = platform;
  await prepareJobs(pool);
  const mailer = (overrides.createMailer ?? createMailer)(config);
  releasers.add(() => mailer.close());
  const { publicUrl, draftsKeptDays, serviceToken } = config;
  const commands = createCommands({ url: config.commandApiUrl, serviceToken });
  const queries = createQueries({ url: config.queryApiUrl, serviceToken });
  const tasks = await discoverTasks();
  const tokenLink = linker(config);
  const services = {
    log: platform.log,
    pool,
    mailer,
    commands,
    queries,
    publicUrl,
    draftsKeptDays,
    tokenLink,
  };
  const policy = overrides.jobPolicy ? { policy: overrides.jobPolicy } : {};
  releasers.add(await runJobs({ ...platform, tasks, services, ...policy }));

  const consumers = await createReactions(commands, platform, overrides);
  const ops = createOps(config, platform, consumers);
  releasers.add(() => ops.close());
  const addresses = { ops: await ops.listen({ host: config.host, port: config.opsPort }) };
  await consumers.start();
  releasers.add(() => consumers.stop());
  releasers.add(() => ops.drain());
  logger.info(addresses, 'started');
  return addresses;
}

/** Links of mails: the token stands behind the `#`, which browsers send nowhere. */
function linker({ publicUrl, accountUrl = `${publicUrl}/docs/account`, hmacKey }: Config) {
  return (purpose: TokenPurpose, claims: TokenClaims): string =>
    `${accountUrl}#${purpose}=${signToken(hmacKey, purpose, claims)}`;
}

async function openPlatform(config: Config, releasers: Releasers): Promise<Platform> {
  const { databaseUrl: url, otlpEndpoint, masterKey } = config;
  const logger = createLogger({ service: NAME, level: config.logLevel });
  const metrics = createMetrics(NAME);
  const tracing = await createTracing({ service: NAME, otlpEndpoint, logger });
  releasers.add(() => tracing.shutdown());
  const pool = createPool({ url, application: NAME, max: CONNECTIONS });
  releasers.add(() => pool.end());
  const store = await openEventStore(config, { application: NAME, logger });
  releasers.add(() => store.close());
  const keys = await createPostgresKeyStore({ pool, masterKey });
  observeJobs(pool, metrics);
  return { logger, metrics, tracing, pool, log: createEventLog({ store, catalogue, keys }) };
}

async function createReactions(
  commands: Commands,
  platform: Platform,
  overrides: Overrides,
): Promise<Consumers> {
  const reactions = await discoverReactions();
  const { leaseMs, tickMs, faults } = overrides;
  return createConsumers({
    ...platform,
    store: createPostgresReactionStore({ pool: platform.pool, faults }),
    consumers: reactions.map((reaction) => toConsumer(reaction, commands)),
    owner: `${hostname()}-${randomUUID()}`,
    faults,
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(tickMs === undefined ? {} : { tickMs }),
  });
}

function createOps({ operatorToken }: Config, { pool, logger, metrics }: Platform, consumers: Consumers) {
  const status = adminRoute({ method: 'GET', path: '/admin/status' }, async () => {
    const [all, requests, jobs, mails] = await Promise.all([
      consumers.status(),
      consumers.requests(),
      jobsStatus(pool),
      mailsStatus(pool),
    ]);
    return { status: 200, body: { service: NAME, consumers: all, requests, jobs, mails } };
  });
  const checks = async () => ({ consumers: consumers.isReady() });
  return createOpsServer({ service: NAME, logger, metrics, operatorToken, checks, admin: [status] });
}
