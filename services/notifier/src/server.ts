/** The main port: push sockets, and the conventions of the API for whatever else comes. */
import { Problem } from '@annals/contracts/problems';
import { openPush } from '@annals/contracts/push/push.routes';
import { routes } from '@annals/contracts/routes';
import { createHttpServer, type HttpServer } from '@annals/platform/http/server';
import { bind } from '@annals/platform/http/types';
import type { Config } from './config.ts';
import { NAME, type Platform } from './platform.ts';
import type { Push } from './push.ts';
import { acceptUpgrades } from './sockets/upgrades.ts';

/** Creates the server; while `isReady` is false sockets are refused. */
export function createPushServer(
  config: Config,
  { logger, tracing, metrics }: Platform,
  push: Push,
  { isReady, farewell }: { isReady: () => boolean; farewell: () => Promise<void> },
): HttpServer {
  const { publicUrl, trustedProxies, allowedOrigins, allowedHosts } = config;
  const server = createHttpServer({
    service: NAME,
    routes,
    bound: [bind(openPush, upgradeRequired)],
    authenticate: push.authenticate,
    logger,
    tracing,
    metrics,
    publicUrl,
    trustedProxies,
    allowedOrigins,
    allowedHosts,
    isReady,
    farewell,
  });
  acceptUpgrades(server.fastify.server, {
    context: push.context,
    sessions: push.sessions,
    publicUrl,
    allowedOrigins: new Set([...allowedOrigins, new URL(publicUrl).origin]),
    isOpen: isReady,
  });
  return server;
}

async function upgradeRequired(): Promise<never> {
  throw new Problem('upgrade-required', 'Open a WebSocket here, with the subprotocol annals.v1.');
}
