/** Puts together what sockets need: the hub, who may follow what, who is who, recovery, and the clock. */
import { AccessTable, accessEventTypes, accessView } from '@annals/contracts/identity/access';
import type { FollowerFaults } from '@annals/platform/access/faults';
import { followView } from '@annals/platform/access/follow-view';
import { createSessionCheck } from '@annals/platform/access/session-check';
import { createAuthenticator } from '@annals/platform/http/authenticator';
import type { Authenticate } from '@annals/platform/http/operation';
import { createRemoteJwks } from '@annals/platform/http/remote-jwks';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { Hub } from './channels/hub.ts';
import { createQueryApiAccess } from './channels/query-api-access.ts';
import type { Config } from './config.ts';
import type { PushLimits } from './limits.ts';
import { createPushMetrics } from './metrics.ts';
import type { Platform } from './platform.ts';
import { createPostgresPushLog } from './recovery/postgres-push-log.ts';
import type { SocketContext } from './sockets/context.ts';
import { Sessions } from './sockets/sessions.ts';
import { createTokenVerifier } from './sockets/verify-token.ts';

/** No access token lives longer. */
const REVOCATIONS_MS = 20 * 60_000;

export interface Push {
  readonly hub: Hub;
  readonly sessions: Sessions;
  readonly context: SocketContext;
  readonly authenticate: Authenticate;
  /** True once the access view is loaded and has caught up. */
  readonly isAccessKnown: () => boolean;
}

/** Begins at the log's head: what is older comes from the push log. */
export async function createPush(
  config: Config,
  platform: Platform,
  limits: PushLimits,
  releasers: Releasers,
  faults?: FollowerFaults,
): Promise<Push> {
  const { logger, pool, log } = platform;
  const { authenticate, table, isAccessKnown } = createAuthentication(config, platform, releasers, faults);
  const sessions = new Sessions(limits, now);
  const gauges = { sockets: () => sessions.size, channels: () => hub.channelCount };
  const metrics = createPushMetrics(platform.metrics, gauges, (error) =>
    logger.warn({ err: error }, 'a request of a socket failed'),
  );
  const access = createQueryApiAccess({ url: config.queryApiUrl, serviceToken: config.serviceToken });
  const ring = { lines: limits.ringLines, size: limits.ringSize };
  const hub = new Hub(await log.head(), { access, ring, now, onDelivered: metrics.delivered });
  const { recoverMs: waitMs, replayLines: stepLines } = limits;
  const context: SocketContext = {
    hub,
    access,
    recovery: { ring: hub.ring, log: createPostgresPushLog(pool), waitMs, stepLines },
    verifyToken: createTokenVerifier(authenticate),
    isEnded: (identity) => sessions.isEnded(identity),
    checkPosition: (position) => log.check(position),
    limits,
    metrics,
    now,
  };
  const sweeper = setInterval(() => {
    sessions.sweep();
    hub.revalidate(now() - limits.revalidateMs);
    table.sweep(new Date(now() - REVOCATIONS_MS));
  }, limits.sweepMs);
  releasers.add(() => clearInterval(sweeper));
  return { hub, sessions, context, authenticate, isAccessKnown };
}

function createAuthentication(
  config: Config,
  { pool, log, logger }: Platform,
  releasers: Releasers,
  faults: FollowerFaults | undefined,
) {
  const { commandApiUrl, serviceToken, publicUrl: issuer } = config;
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
  const { authenticate } = createAuthenticator({
    jwks: createRemoteJwks(`${commandApiUrl}/.well-known/jwks.json`),
    issuer,
    serviceTokens: new Map(),
    access: table,
    sessionCheck: createSessionCheck(follower, { commandApiUrl, serviceToken }),
  });
  return { authenticate, table, isAccessKnown: () => follower.hasCaughtUp };
}

function now(): number {
  return Date.now();
}
