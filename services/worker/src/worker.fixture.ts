/** What surrounds a worker in tests: a database of its own, a log to append to, and a command-api and a query-api played by the test. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalogue } from '@annals/contracts/catalogue';
import type { KeyClaim } from '@annals/contracts/kit/event';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { createPool } from '@annals/platform/postgres/pool';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { testDatabase } from '@annals/testing/servers/postgres';
import { v7 } from 'uuid';
import { type App, createApp, type Overrides } from './app.ts';
import type { Config } from './config.ts';

const MASTER_KEY = Buffer.alloc(32, 7);
/** Signs the tokens in mails. */
export const HMAC_KEY = Buffer.alloc(32, 8);

export interface Call {
  readonly path: string;
  readonly body: unknown;
  readonly idempotencyKey: string | undefined;
  readonly authorization: string | undefined;
}

export type World = Awaited<ReturnType<typeof startWorld>>;

export async function startWorld() {
  const database = await testDatabase();
  const pool = createPool({ url: database.url, application: 'test' });
  const store = await createPostgresEventStore({ url: database.url, application: 'test' });
  const keys = await createPostgresKeyStore({ pool, masterKey: MASTER_KEY });
  const log = createEventLog({ store, catalogue, keys, mayCreateKeys: true });
  const mailFolder = await mkdtemp(join(tmpdir(), 'annals-mails-'));
  const apps: App[] = [];
  const calls: Call[] = [];
  const commandApi = { status: 200 };
  const asked: string[] = [];
  const queryApi: { answers: object[] } = { answers: [] };
  const http = createServer(async (request, response) => {
    if (request.method === 'GET') {
      asked.push(request.url ?? '');
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(queryApi.answers.shift() ?? {}));
      return;
    }
    const body = Buffer.concat(await request.toArray()).toString();
    const { authorization, 'idempotency-key': key } = request.headers;
    calls.push({
      path: request.url ?? '',
      body: JSON.parse(body),
      idempotencyKey: key?.toString(),
      authorization,
    });
    response.writeHead(commandApi.status).end('{}');
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');

  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const config: Config = {
    databaseUrl: database.url,
    host: '127.0.0.1',
    opsPort: 0,
    logLevel: 'silent',
    otlpEndpoint: undefined,
    operatorToken: 'operator-token-of-the-test',
    publicUrl: 'http://annals.test',
    masterKey: MASTER_KEY,
    hmacKey: HMAC_KEY,
    accountUrl: undefined,
    commandApiUrl: url,
    queryApiUrl: url,
    draftsKeptDays: 30,
    serviceToken: 'service-token-of-the-test',
    mailFolder,
    smtpUrl: undefined,
    mailFrom: 'Annals <post@annals.test>',
  };

  return {
    config,
    pool,
    log,
    keys,
    calls,
    commandApi,
    /** What query-api was asked, and answers in turn. */
    asked,
    queryApi,
    async startApp(changes: Partial<Config> = {}, overrides: Overrides = {}): Promise<App> {
      const app = createApp({ ...config, ...changes }, { tickMs: 50, ...overrides });
      apps.push(app);
      await app.start();
      return app;
    },
    async append(
      stream: string,
      type: string,
      data: object,
      releases?: readonly KeyClaim[],
    ): Promise<string> {
      const id = v7();
      const metadata = {
        schemaVersion: 1,
        commandId: v7(),
        correlationId: v7(),
        causationId: v7(),
        actor: { kind: 'system' as const, id: null },
        occurredAt: new Date().toISOString(),
        ...(releases ? { releases: [...releases] } : {}),
      };
      await log.append(stream, [{ id, type, data, metadata }], 'any');
      return id;
    },
    /** Appends a registration and gives the user's id. */
    async register(changes: { email?: string; imported?: boolean } = {}): Promise<string> {
      const userId = v7();
      const person = {
        username: 'ada',
        email: 'ada@example.org',
        firstName: 'Ada',
        lastName: '',
        imported: false,
      };
      await this.append(`user-${userId}`, 'UserRegistered', { userId, ...person, ...changes });
      return userId;
    },
    /** The mails in the folder. */
    async mails(): Promise<string[]> {
      const files = await readdir(mailFolder);
      return Promise.all(files.map((file) => readFile(join(mailFolder, file), 'utf8')));
    },
    /** The outcomes of mails by recipient. */
    async outcomes(): Promise<Record<string, string>> {
      const { rows } = await pool.query<{ recipient: string; outcome: string }>(
        'select recipient, outcome from worker.mails',
      );
      return Object.fromEntries(rows.map(({ recipient, outcome }) => [recipient, outcome]));
    },
    /** Waits until the consumers have handled all that is in the log, and no job is due. */
    async settle(): Promise<void> {
      const head = await log.head();
      await until(async () => {
        const { rows } = await pool.query<{ isDone: boolean }>(
          `select bool_and(through >= $1) and not exists (select from graphile_worker.jobs where run_at <= now() and attempts < max_attempts) as "isDone"
           from consumers.checkpoints`,
          [head],
        );
        return rows[0]?.isDone === true;
      });
    },
    /** Lets the consumers see every event again. */
    async rewind(): Promise<void> {
      const start = await log.start();
      await pool.query('update consumers.checkpoints set position = $1, through = $1', [start]);
    },
    async stop(): Promise<void> {
      for (const app of apps) await app.stop();
      http.closeAllConnections();
      http.close();
      await store.close();
      await pool.end();
      await database.drop();
      await rm(mailFolder, { recursive: true });
    },
  };
}

/** Waits for a condition, 60 s at most: machines may be busy. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await sleep(20);
  }
}
