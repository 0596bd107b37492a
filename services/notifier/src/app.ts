/** Composes the notifier: follows the log from its head and pushes to sockets. */
import { catalogue } from '@annals/contracts/catalogue';
import { pushRules } from '@annals/contracts/push/rules';
import type { FollowerFaults } from '@annals/platform/access/faults';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { openEventStore } from '@annals/platform/event-store/open';
import { createOpsServer } from '@annals/platform/http/ops-server';
import { type App as AppOf, toApp } from '@annals/platform/lifecycle/app';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { createPool } from '@annals/platform/postgres/pool';
import type { KeyStore } from '@annals/platform/privacy/port';
import { createLogger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { createTracing } from '@annals/platform/telemetry/tracing';
import type { Config } from './config.ts';
import { follow } from './follower.ts';
import { defaultLimits, type PushLimits } from './limits.ts';
import { NAME, type Platform } from './platform.ts';
import { createPush, type Push } from './push.ts';
import { createPushServer } from './server.ts';

/** The push log and the access view are read with these. */
const CONNECTIONS = 4;

/** What tests change. */
export interface Overrides {
  readonly limits?: Partial<PushLimits>;
  readonly faults?: FollowerFaults;
}

export type App = AppOf<Addresses>;

interface Addresses {
  readonly main: string;
  readonly ops: string;
}

/** Creates the service; nothing happens before `start`. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  return toApp((releasers) => run(config, overrides, releasers));
}

async function run(config: Config, overrides: Overrides, releasers: Releasers): Promise<Addresses> {
  const { host, operatorToken } = config;
  const platform = await openPlatform(config, releasers);
  const { logger, metrics } = platform;
  const limits = { ...defaultLimits, ...overrides.limits };
  const push = await createPush(config, platform, limits, releasers, overrides.faults);
  const state = { isFollowing: false, isStopping: false };
  const isReady = () => state.isFollowing && push.isAccessKnown() && !state.isStopping;

  const checks = async () => ({ log: state.isFollowing, access: push.isAccessKnown() });
  const ops = createOpsServer({ service: NAME, logger, metrics, operatorToken, checks });
  releasers.add(() => ops.close());
  startFollowing(platform, push, releasers, () => {
    state.isFollowing = true;
  });
  // Sockets are served until those who send new ones here have heard that it goes; only then are they sent away.
  const server = createPushServer(config, platform, push, {
    isReady,
    farewell: () => {
      state.isStopping = true;
      return push.sessions.drain();
    },
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

async function openPlatform(config: Config, releasers: Releasers): Promise<Platform> {
  const { databaseUrl: url, otlpEndpoint } = config;
  const logger = createLogger({ service: NAME, level: config.logLevel });
  const metrics = createMetrics(NAME);
  const tracing = await createTracing({ service: NAME, otlpEndpoint, logger });
  releasers.add(() => tracing.shutdown());
  const pool = createPool({ url, application: NAME, max: CONNECTIONS });
  releasers.add(() => pool.end());
  const store = await openEventStore(config, { application: NAME, logger });
  releasers.add(() => store.close());
  return { logger, metrics, tracing, pool, log: createEventLog({ store, catalogue, keys: noKeys }) };
}

function startFollowing(platform: Platform, push: Push, releasers: Releasers, onCaughtUp: () => void): void {
  const { log, tracing } = platform;
  const { hub, sessions } = push;
  const stopping = new AbortController();
  const following = follow({ log, rules: pushRules, hub, sessions, tracing, onCaughtUp }, stopping.signal);
  // What can't be read can't be pushed, and to skip it would be a silent gap: the process ends, its sockets come back
  // elsewhere and recover what they missed.
  following.catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
  releasers.add(() => {
    stopping.abort();
    return following;
  });
}

/** What is pushed holds no personal data, so the process that faces the sockets has no key to any. */
const noKeys: KeyStore = { read: refuseKeys, ensure: refuseKeys, destroy: refuseKeys };

async function refuseKeys(): Promise<never> {
  throw new Error('the notifier has no keys of personal data');
}
