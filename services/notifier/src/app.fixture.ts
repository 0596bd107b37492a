/** A whole notifier for tests, on a database of its own; command-api and query-api are played by the test. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { catalogue } from '@annals/contracts/catalogue';
import { accessEventTypes, accessKeys, accessView, evolveAccess } from '@annals/contracts/identity/access';
import { pushFrames, pushLogKey, pushLogView } from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import type { Projection } from '@annals/platform/consumer/projection';
import { type Consumers, createConsumers } from '@annals/platform/consumer/runtime';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { createLogger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { testDatabase } from '@annals/testing/servers/postgres';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { v7 } from 'uuid';
import { type App, createApp } from './app.ts';
import type { Config } from './config.ts';
import type { PushLimits } from './limits.ts';

const PUBLIC_URL = 'http://annals.test';

export interface Backend {
  readonly log: EventLog;
  /** Appends an event of an article and gives its position. */
  append(type: string, id: string, data?: object): Promise<string>;
  appendTo(stream: string, type: string, data: object): Promise<string>;
  token(userId: string, sessionId: string, seconds?: number): Promise<string>;
  /** Starts and stops what folds the push log. */
  project(): Promise<Consumers>;
  startApp(limits?: Partial<PushLimits>): Promise<App>;
  /** Query-api's answers. */
  mayFollow: (channel: string, userId: string | null) => boolean;
  stop(): Promise<void>;
}

/** Starts everything but the notifier itself. */
export async function startBackend(): Promise<Backend> {
  const database = await testDatabase();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const pool = createPool({ url: database.url, application: 'test', pipeline: true });
  const store = await createPostgresEventStore({ url: database.url, application: 'test' });
  const log = createEventLog({ store, catalogue, keys: createMemoryKeyStore(), mayCreateKeys: true });
  const stopping: (() => Promise<unknown>)[] = [];
  await pool.query('create schema if not exists views');
  await pool.query('create table views.trimmed_through (view text primary key, position text not null)');
  const consumers = (name: string, projection: Projection) =>
    createConsumers({
      log,
      store: createPostgresViewStore({ pool }),
      consumers: [projection],
      owner: name,
      logger,
      metrics: createMetrics(name),
      tickMs: 100,
    });
  const access = consumers('access', accessProjection);
  await access.start();
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] };

  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '', PUBLIC_URL);
    const answer = (body: object) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/.well-known/jwks.json') return answer(jwks);
    if (url.pathname.startsWith('/internal/sessions/')) return answer({ isRevoked: false, permissions: [] });
    const channel = decodeURIComponent(url.pathname.replace('/internal/channels/', ''));
    return answer({ allowed: backend.mayFollow(channel, url.searchParams.get('userId')) });
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const backendUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const config: Config = {
    databaseUrl: database.url,
    host: '127.0.0.1',
    port: 0,
    opsPort: 0,
    logLevel: 'silent',
    otlpEndpoint: undefined,
    operatorToken: 'operator-token-of-the-test',
    publicUrl: PUBLIC_URL,
    allowedOrigins: [],
    allowedHosts: [],
    trustedProxies: [],
    commandApiUrl: backendUrl,
    queryApiUrl: backendUrl,
    serviceToken: 'service-token-of-the-test',
  };

  const backend: Backend = {
    log,
    append: (type, id, data = {}) =>
      backend.appendTo(`article-${id}`, type, { articleId: id, authorId: id, tags: [], ...data }),
    async appendTo(stream, type, data) {
      const metadata = {
        schemaVersion: 1,
        commandId: v7(),
        correlationId: v7(),
        causationId: v7(),
        actor: { kind: 'system' as const, id: null },
        occurredAt: new Date().toISOString(),
      };
      return (await log.append(stream, [{ id: v7(), type, data, metadata }], 'any')).position;
    },
    token: (userId, sessionId, seconds = 900) =>
      new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'test' })
        .setSubject(userId)
        .setIssuer(PUBLIC_URL)
        .setAudience('annals')
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
        .sign(privateKey),
    async project() {
      const running = consumers('push-log', pushLogProjection);
      await running.start();
      stopping.push(() => running.stop());
      return running;
    },
    async startApp(limits = {}) {
      const app = createApp(config, { limits: { closeMs: 500, ...limits } });
      await app.start();
      stopping.push(() => app.stop());
      await untilReady(app);
      return app;
    },
    mayFollow: () => true,
    async stop() {
      for (const stop of stopping.reverse()) await stop();
      http.closeAllConnections();
      http.close();
      await access.stop();
      await store.close();
      await pool.end();
      await database.drop();
    },
  };
  return backend;
}

async function untilReady(app: App): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await fetch(`${app.addresses.ops}/health/ready`)).ok) {
    if (performance.now() > deadline) throw new Error('the notifier does not get ready');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** As the projector has it. */
const pushLogProjection: Projection = {
  kind: 'projection',
  ...pushLogView,
  store: 'rows',
  handles: new Set(pushRules.keys()),
  keys: (event) => pushFrames(pushRules, event).map(pushLogKey),
  evolve: (_current, event, key) => ({
    ...pushFrames(pushRules, event).find((frame) => pushLogKey(frame) === key),
  }),
  rows: { columns: {}, indexes: [] },
};

/** As command-api has it. */
const accessProjection: Projection = {
  kind: 'projection',
  ...accessView,
  store: 'rows',
  handles: accessEventTypes,
  keys: (event) => [(accessKeys as Record<string, (event: unknown) => string>)[event.type]?.(event) ?? ''],
  evolve: (current, event) => evolveAccess(current as never, event as never) as never,
  rows: { columns: {}, indexes: [] },
};
