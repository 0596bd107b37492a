/** The notifier as it ships, in a process of its own, on a database of its own; the bench plays whom it asks. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { freePorts } from '@annals/cli/local/free-port';
import { mainFileOf } from '@annals/cli/local/layout';
import { askReadiness } from '@annals/cli/local/readiness';
import { accessProjection } from '@annals/command-api/identity/access-view';
import { catalogue } from '@annals/contracts/catalogue';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { createConsumers } from '@annals/platform/consumer/runtime';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { createLogger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { BenchContext } from '../kit/bench.ts';
import { type Child, startChild } from '../kit/child.ts';
import { probed } from './probed.ts';

const PUBLIC_URL = 'http://annals.bench';
const READY_MS = 30_000;

export interface NotifierProcess {
  readonly child: Child;
  readonly port: number;
  readonly databaseUrl: string;
  /** Access tokens of `count` people. */
  tokens(count: number): Promise<string[]>;
}

/** Starts it, ready to take sockets; the context ends it. */
export async function startNotifier(context: BenchContext): Promise<NotifierProcess> {
  const databaseUrl = await (await context.postgres()).database();
  await prepareViews(databaseUrl);
  const identity = await playIdentity(context);
  const [port = 0, opsPort = 0] = await freePorts(2);
  const child = startChild(pathToFileURL(mainFileOf('notifier')), {
    execArgv: probed,
    env: {
      ANNALS_DATABASE_URL: databaseUrl,
      ANNALS_PORT: String(port),
      ANNALS_OPS_PORT: String(opsPort),
      ANNALS_OPERATOR_TOKEN: randomBytes(16).toString('hex'),
      ANNALS_SERVICE_TOKEN: randomBytes(16).toString('hex'),
      ANNALS_PUBLIC_URL: PUBLIC_URL,
      ANNALS_COMMAND_API_URL: identity.url,
      ANNALS_QUERY_API_URL: identity.url,
    },
  });
  context.onEnd(() => child.stop());
  const deadline = performance.now() + READY_MS;
  while (!(await askReadiness(`http://127.0.0.1:${opsPort}/health/ready`)).isReady) {
    if (performance.now() > deadline) throw new Error('the notifier does not get ready');
    await sleep(50);
  }
  return { child, port, databaseUrl, tokens: identity.tokens };
}

/** The tables that command-api and the projector make. */
async function prepareViews(url: string): Promise<void> {
  const logger = createLogger({ service: 'bench', level: 'silent' });
  const pool = createPool({ url, application: 'bench', pipeline: true });
  const store = await createPostgresEventStore({ url, application: 'bench' });
  const log = createEventLog({ store, catalogue, keys: createMemoryKeyStore() });
  const consumers = createConsumers({
    log,
    store: createPostgresViewStore({ pool }),
    consumers: [accessProjection],
    owner: 'bench',
    logger,
    metrics: createMetrics('bench'),
    tickMs: 100,
  });
  await consumers.start();
  while (!consumers.isReady()) await sleep(20);
  await consumers.stop();
  await store.close();
  await pool.end();
}

/** Command-api's keys, and the tokens that it would sign with them. */
async function playIdentity(context: BenchContext) {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const header = { alg: 'EdDSA', typ: 'at+jwt', kid: 'bench' } as const;
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: header.kid, alg: header.alg, use: 'sig' }] };
  const server = createServer((request, response) => {
    const body = request.url?.startsWith('/internal/sessions/') ? { isRevoked: false } : jwks;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const sign = () =>
    new SignJWT({ sid: randomUUID() })
      .setProtectedHeader(header)
      .setSubject(randomUUID())
      .setIssuer(PUBLIC_URL)
      .setAudience('annals')
      .setIssuedAt()
      .setExpirationTime('15m')
      .sign(privateKey);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens: (count: number) => Promise.all(Array.from({ length: count }, sign)),
  };
}
