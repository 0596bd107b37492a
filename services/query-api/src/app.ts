/** Composes the query-api: answers reads from views. */
import { catalogue } from '@annals/contracts/catalogue';
import { AccessTable, accessEventTypes, accessView } from '@annals/contracts/identity/access';
import { discover, ofKind } from '@annals/contracts/kit/discover';
import { routes } from '@annals/contracts/routes';
import type { FollowerFaults } from '@annals/platform/access/faults';
import { followView } from '@annals/platform/access/follow-view';
import { createSessionCheck } from '@annals/platform/access/session-check';
import { createFreshness, type Freshness, type ReadSource } from '@annals/platform/consumer/freshness';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { openEventStore } from '@annals/platform/event-store/open';
import { confirmBy } from '@annals/platform/http/access-rule';
import { type Authenticator, createAuthenticator } from '@annals/platform/http/authenticator';
import { openThrottle } from '@annals/platform/http/open-throttle';
import { createOpsServer } from '@annals/platform/http/ops-server';
import { createRemoteJwks } from '@annals/platform/http/remote-jwks';
import { createHttpServer, type HttpServer } from '@annals/platform/http/server';
import type { Throttle } from '@annals/platform/http/throttle';
import { type App as AppOf, toApp } from '@annals/platform/lifecycle/app';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { createListener } from '@annals/platform/postgres/listener';
import { createPool } from '@annals/platform/postgres/pool';
import { createSharedConnections } from '@annals/platform/postgres/shared-connections';
import type { KeyStore } from '@annals/platform/privacy/port';
import type { DocumentStore } from '@annals/platform/read-store/documents';
import { createLogger, type Logger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { createTracing, type Tracing } from '@annals/platform/telemetry/tracing';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import { createAnswers } from './cache/answers.ts';
import { keepAnswers } from './cache/keep-answers.ts';
import type { Config } from './config.ts';
import { createPermissionsOf, refuseLate } from './permissions.ts';
import { bindChannelCheck } from './push/channel-check.ts';
import type { ChannelRule } from './push/channel-rule.ts';
import { createQueryContext, type Queries } from './queries.ts';
import { settingsOfOthers, settingsOfQuick } from './settings.ts';
import { tellUnowned } from './unowned.ts';
import { definedViews, isViewOfDocuments } from './views.ts';

const NAME = 'query-api';
/** For searches and whatever else may take long. */
const CONNECTIONS = 8;
/** What is quick is not worth waiting for any longer. */
const QUICK_MS = 2_000;
/** How long session ends are remembered: no access token lives longer. */
const REVOCATIONS_MS = 20 * 60_000;

/** What tests change. */
export interface Overrides {
  /** Instead of tokens that command-api signs. */
  readonly authenticator?: Authenticator;
  readonly faults?: FollowerFaults;
}

export type App = AppOf<Addresses>;

interface Addresses {
  readonly main: string;
  readonly ops: string;
}

interface Platform {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly pool: Pool;
  readonly log: EventLog;
  readonly freshness: Freshness;
}

/** Who calls, and what they may. */
interface Gate {
  readonly authenticator: Authenticator;
  readonly isReady: () => boolean;
}

/** Creates the service; nothing happens before `start`. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  return toApp((releasers) => run(config, overrides, releasers));
}

async function run(config: Config, overrides: Overrides, releasers: Releasers): Promise<Addresses> {
  const { host, port, opsPort, operatorToken } = config;
  const platform = await openPlatform(config, releasers);
  const { logger, metrics, freshness } = platform;
  const gate = openGate(config, platform, releasers, overrides.faults);
  const checks = async () => ({
    views: await freshness.areLive(definedViews().map(({ name }) => name)),
    access: gate.isReady(),
  });
  const ops = createOpsServer({ service: NAME, logger, metrics, operatorToken, checks });
  releasers.add(() => ops.close());
  const throttle = await openThrottle(config, { application: NAME, logger });
  releasers.add(() => throttle.close());
  const server = await createServer(config, platform, { ...gate, ...overrides }, throttle);
  releasers.add(() => server.close());
  const addresses = {
    main: await server.listen({ host, port }),
    ops: await ops.listen({ host, port: opsPort }),
  };
  releasers.add(() => ops.drain());
  logger.info(addresses, 'started');
  return addresses;
}

async function openPlatform(config: Config, releasers: Releasers): Promise<Platform> {
  const { databaseUrl: url, otlpEndpoint } = config;
  const logger = createLogger({ service: NAME, level: config.logLevel });
  const metrics = createMetrics(NAME);
  const tracing = await createTracing({ service: NAME, otlpEndpoint, logger });
  releasers.add(() => tracing.shutdown());
  const primary = openSource(url, releasers);
  const replicas = config.readDatabaseUrl.map((replica) => openSource(replica, releasers));
  const store = await openEventStore(config, { application: NAME, logger });
  releasers.add(() => store.close());
  const listener = createListener({ url, application: NAME, logger });
  releasers.add(() => listener.close());
  const documents = await openDocuments(config, releasers);
  if (documents) tellUnowned(documents, () => namesOf(documents), { metrics, logger });
  const freshness = createFreshness({ ...primary, replicas, listener, store: documents });
  releasers.add(() => freshness.close());
  const log = createEventLog({ store, catalogue, keys: noKeys });
  return { logger, metrics, tracing, pool: primary.pool, log, freshness };
}

/** The views that are in MongoDB. */
function namesOf(documents: DocumentStore): readonly string[] {
  return definedViews().flatMap(({ name }) => (documents.holds(name) ? [name] : []));
}

function openSource(url: string, releasers: Releasers): ReadSource {
  const pool = createPool({
    url,
    application: NAME,
    max: CONNECTIONS,
    pipeline: true,
    settings: settingsOfOthers,
  });
  releasers.add(() => pool.end());
  const shared = createSharedConnections({
    url,
    application: NAME,
    statementTimeoutMs: QUICK_MS,
    answerTimeoutMs: 2 * QUICK_MS,
    settings: settingsOfQuick,
  });
  releasers.add(() => shared.end());
  return { pool, shared };
}

/** MongoDB, where it is configured; its driver is loaded only then. */
async function openDocuments(
  { mongodbUrl: url }: Config,
  releasers: Releasers,
): Promise<DocumentStore | undefined> {
  if (url === undefined) return undefined;
  const { openMongo } = await import('@annals/platform/mongodb/database');
  const { createMongoDocumentStore } = await import('@annals/platform/consumer/mongodb/document-store');
  const mongo = openMongo({ url, application: NAME });
  releasers.add(() => mongo.close());
  return createMongoDocumentStore(mongo, isViewOfDocuments);
}

function openGate(
  config: Config,
  { pool, log, logger }: Platform,
  releasers: Releasers,
  faults: FollowerFaults | undefined,
): Gate {
  const { commandApiUrl, serviceToken, serviceTokens, publicUrl: issuer } = config;
  const { table, follower } = followView({
    view: accessView,
    types: accessEventTypes,
    table: new AccessTable(),
    pool,
    log,
    logger,
    faults,
  });
  releasers.add(() => follower.stop());
  const sweeper = setInterval(() => table.sweep(new Date(Date.now() - REVOCATIONS_MS)), 60_000);
  releasers.add(() => clearInterval(sweeper));
  const authenticator = createAuthenticator({
    jwks: createRemoteJwks(`${commandApiUrl}/.well-known/jwks.json`),
    issuer,
    serviceTokens,
    access: table,
    sessionCheck: createSessionCheck(follower, { commandApiUrl, serviceToken }),
  });
  return { authenticator, isReady: () => follower.hasCaughtUp };
}

async function createServer(
  config: Config,
  platform: Platform,
  gate: Gate,
  throttle: Throttle,
): Promise<HttpServer> {
  const { publicUrl, trustedProxies, allowedOrigins, allowedHosts, cacheBytes } = config;
  const { logger, metrics, tracing, freshness, log } = platform;
  const { authenticate, recognize } = gate.authenticator;
  const permissionsOf = createPermissionsOf(log);
  const context = createQueryContext({ publicUrl, freshness, log });
  const answers = createAnswers({ coherence: freshness.coherence, maxBytes: cacheBytes, metrics });
  const here = new URL('./', import.meta.url);
  const queries = await discover(here, '.queries.ts', ofKind<'queries', Queries>('queries'));
  const rules = await discover(here, '.channels.ts', ofKind<'channel-rule', ChannelRule>('channel-rule'));
  if (cacheBytes > 0) freshness.coherence.watch(definedViews().map(({ name }) => name));
  return createHttpServer({
    service: NAME,
    routes,
    bound: queries
      .flatMap(({ bind }) => bind(context))
      .map((route) => refuseLate(keepAnswers(route, answers), permissionsOf)),
    kept: { recall: answers.recall, recognize },
    internal: [
      bindChannelCheck({ context, rules, permissionsOf }),
      ...queries.flatMap((found) => found.bindInternal?.(context) ?? []),
    ],
    authenticate,
    confirmForbidden: confirmBy(permissionsOf),
    throttle,
    logger,
    tracing,
    metrics,
    publicUrl,
    trustedProxies,
    allowedOrigins,
    allowedHosts,
  });
}

/** The log is asked for positions and for what carries no personal data; views hold what people may see. */
const noKeys: KeyStore = { read: refuseKeys, ensure: refuseKeys, destroy: refuseKeys };

async function refuseKeys(): Promise<never> {
  throw new Error('the query-api has no keys of personal data');
}
