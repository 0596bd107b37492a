/** A whole command-api for tests, on a database of its own, and a client that calls its routes. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createSession } from '@annals/contracts/identity/session.routes';
import { registerUser } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import { createPool } from '@annals/platform/postgres/pool';
import { testDatabase } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { type App, createApp } from './app.ts';
import { type Config, configSchema } from './config.ts';
import type { WriteSideOverrides } from './write-side.ts';

export const PASSWORD = 'Correct-horse-battery-7';
export const OPERATOR_TOKEN = 'operator-token-for-tests';
export const WORKER_TOKEN = 'worker-token-for-tests-only';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers freely
  readonly body: any;
}

export interface CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Backend {
  readonly pool: pg.Pool;
  readonly config: Config;
  /** Starts a replica, stopped with the backend. */
  startApp(overrides?: WriteSideOverrides): Promise<App>;
  stop(): Promise<void>;
}

export async function startBackend(settings: Partial<Record<keyof Config, string>> = {}): Promise<Backend> {
  const database = await testDatabase();
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const config = configSchema.parse({
    databaseUrl: database.url,
    port: '0',
    opsPort: '0',
    logLevel: 'silent',
    publicUrl: 'http://annals.test',
    operatorToken: OPERATOR_TOKEN,
    masterKey: randomBytes(32).toString('base64'),
    hmacKey: randomBytes(32).toString('base64'),
    jwtPrivateKey: Buffer.from(pem).toString('base64'),
    serviceTokens: `worker=${WORKER_TOKEN}`,
    throttleLogin: '10000',
    throttleRefresh: '10000',
    loginNetworkLockAfter: '100000',
    throttleWrite: '100000',
    ...settings,
  });
  const pool = createPool({ url: database.url, application: 'test' });
  const apps: App[] = [];
  return {
    pool,
    config,
    async startApp(overrides) {
      const app = createApp(config, overrides);
      await app.start();
      apps.push(app);
      return app;
    },
    async stop() {
      await Promise.all(apps.map((app) => app.stop()));
      await pool.end();
      await database.drop();
    },
  };
}

/** Calls a route of an app. */
export async function call(
  app: App,
  route: Pick<Route, 'method' | 'path'>,
  options: CallOptions = {},
): Promise<Answer> {
  const { params = {}, body, token, headers } = options;
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const base = path.startsWith('/admin') ? app.addresses.ops : app.addresses.main;
  const response = await fetch(base + path, {
    method: route.method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly token: string;
  readonly refreshToken: string;
}

/** Registers a person and logs them in. */
export async function newPerson(app: App, username: string): Promise<Person> {
  const email = `${username}@example.org`;
  const registered = await call(app, registerUser, { body: { username, email, password: PASSWORD } });
  if (registered.status !== 201) throw new Error(JSON.stringify(registered.body));
  const session = await call(app, createSession, { body: { login: username, password: PASSWORD } });
  if (session.status !== 201) throw new Error(JSON.stringify(session.body));
  const { accessToken: token, refreshToken } = session.body;
  return { id: registered.body.id, username, token, refreshToken };
}
