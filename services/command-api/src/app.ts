/** Composes command-api: validates commands, decides them and appends what was decided. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { routes } from '@annals/contracts/routes';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { createProgress } from '@annals/platform/consumer/progress';
import { type Consumers, createConsumers } from '@annals/platform/consumer/runtime';
import { confirmBy } from '@annals/platform/http/access-rule';
import { createAuthenticator } from '@annals/platform/http/authenticator';
import { openThrottle } from '@annals/platform/http/open-throttle';
import type { Authenticate } from '@annals/platform/http/operation';
import { type AdminRoute, adminRoute, createOpsServer } from '@annals/platform/http/ops-server';
import { createHttpServer, type HttpServer } from '@annals/platform/http/server';
import type { Throttle } from '@annals/platform/http/throttle';
import { type App as AppOf, toApp } from '@annals/platform/lifecycle/app';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { createPool } from '@annals/platform/postgres/pool';
import { createLocalJWKSet } from 'jose';
import type { Config } from './config.ts';
import { accessProjection, type FollowedAccess, followAccess } from './identity/access-view.ts';
import { adminUserRoutes } from './identity/admin.ts';
import { createIdentity, type Identity } from './identity/identity.ts';
import { internalPrivacyRoutes, privacyRoutes } from './identity/privacy-routes.ts';
import { internalSessionRoutes, sessionRoutes } from './identity/session-routes.ts';
import { startPeriodic } from './periodic.ts';
import { periodicTasks } from './periodic-tasks.ts';
import { NAME, openPlatform, type Platform } from './platform.ts';
import { internalArticleRoutes } from './publishing/internal-routes.ts';
import { viewRoutes } from './publishing/view-routes.ts';
import { createViews, type Views } from './publishing/views.ts';
import { releaseRoute } from './reservations/release-route.ts';
import { createWriteSide, type WriteSide, type WriteSideOverrides } from './write-side.ts';

export type App = AppOf<Addresses>;

interface Addresses {
  readonly main: string;
  readonly ops: string;
}

/** Creates the service; nothing happens before `start`. `overrides` are for tests. */
export function createApp(config: Config, overrides: WriteSideOverrides = {}): App {
  return toApp((releasers) => run(config, overrides, releasers));
}

async function run(config: Config, overrides: WriteSideOverrides, releasers: Releasers): Promise<Addresses> {
  const { host, operatorToken } = config;
  const platform = await openPlatform(config, releasers);
  const { logger, metrics, pool, log } = platform;
  const consumers = await startConsumers(config, platform, releasers);
  const access = followAccess({ pool, log, logger }, overrides.faults);
  releasers.add(() => access.follower.stop());
  const write = await createWriteSide(config, platform, releasers, overrides);
  const identity = await createIdentity(config, platform, write, releasers, overrides.faults);
  const views = createViews(platform, releasers);
  releasers.add(startPeriodic(periodicTasks({ config, platform, write, identity, access, views }), logger));

  const checks = async () => ({ access: access.follower.hasCaughtUp && consumers.isReady() });
  const ops = createOpsServer({
    service: NAME,
    logger,
    metrics,
    operatorToken,
    checks,
    admin: [...adminUserRoutes({ ...write, ...identity }), statusRoute(consumers)],
  });
  releasers.add(() => ops.close());
  const throttle = await openThrottle(config, { application: NAME, logger });
  releasers.add(() => throttle.close());
  const server = createServer({
    throttle,
    config,
    platform,
    write,
    identity,
    views,
    access,
    isReady: async () => (await checks()).access,
  });
  releasers.add(() => server.close());
  const addresses = {
    main: await server.listen({ host, port: config.port }),
    ops: await ops.listen({ host, port: config.opsPort }),
  };
  releasers.add(() => ops.drain());
  logger.info(addresses, 'started');
  return addresses;
}

/** The access view: the only one that this service projects. */
async function startConsumers(
  { databaseUrl: url }: Config,
  { pool, log, logger, metrics, tracing }: Platform,
  releasers: Releasers,
): Promise<Consumers> {
  const progress = createProgress({ pool, logger });
  releasers.add(() => progress.close());
  const viewPool = createPool({ url, application: NAME, max: 2, pipeline: true });
  releasers.add(() => viewPool.end());
  const consumers = createConsumers({
    log,
    store: createPostgresViewStore({ pool: viewPool }),
    consumers: [accessProjection],
    owner: `${hostname()}-${randomBytes(4).toString('hex')}`,
    logger,
    metrics,
    tracing,
    progress,
  });
  releasers.add(() => consumers.stop());
  await consumers.start();
  return consumers;
}

interface Parts {
  readonly throttle: Throttle;
  readonly config: Config;
  readonly platform: Platform;
  readonly write: WriteSide;
  readonly identity: Identity;
  readonly views: Views;
  readonly access: FollowedAccess;
  readonly isReady: () => Promise<boolean>;
}

function createServer(parts: Parts): HttpServer {
  const { config, platform, write, identity, views, access, throttle, isReady } = parts;
  const { logger, tracing, metrics, hash } = platform;
  const { publicUrl, trustedProxies, allowedOrigins, allowedHosts } = config;
  const { sessions, loginLog } = identity;
  const privacy = { publicUrl, exports: write.services.exports, loginLog, sessions };
  return createHttpServer({
    service: NAME,
    routes,
    bound: [
      ...write.routes,
      ...sessionRoutes(identity),
      ...privacyRoutes(privacy),
      ...viewRoutes({ counter: views.counter, streams: write.streams, hash }),
    ],
    internal: [
      ...internalSessionRoutes(identity),
      ...internalPrivacyRoutes(privacy),
      ...internalArticleRoutes(write.runner),
      releaseRoute(write.reservations),
    ],
    authenticate: authenticator(config, identity, access),
    confirmForbidden: confirmBy(write.permissionsOf),
    throttle,
    logger,
    tracing,
    metrics,
    publicUrl,
    trustedProxies,
    allowedOrigins,
    allowedHosts,
    isReady,
  });
}

/** More than this behind the log, and the sessions' own table is asked. */
const BEHIND_MS = 1_000;

function authenticator(
  { publicUrl: issuer, serviceTokens }: Config,
  { tokens, standingOf }: Identity,
  { table, follower }: FollowedAccess,
): Authenticate {
  return createAuthenticator({
    jwks: createLocalJWKSet({ keys: [...tokens.jwks.keys] }),
    issuer,
    serviceTokens,
    access: table,
    sessionCheck: { isBehind: () => follower.isBehind(BEHIND_MS), ask: standingOf },
  }).authenticate;
}

function statusRoute(consumers: Consumers): AdminRoute {
  return adminRoute({ method: 'GET', path: '/admin/status' }, async () => ({
    status: 200,
    body: { service: NAME, consumers: await consumers.status() },
  }));
}
