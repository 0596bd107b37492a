/**
 * The read side in one process: a database, a log, the projector that folds it into views, and the query-api that
 * answers from them. Callers are named in the Authorization header instead of being authenticated.
 */
import { randomBytes } from 'node:crypto';
import { catalogue } from '@annals/contracts/catalogue';
import type { Actor } from '@annals/contracts/kit/event';
import { type Permission, permissions } from '@annals/contracts/kit/route';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import type { Position } from '@annals/platform/event-store/port';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import type { Caller } from '@annals/platform/http/types';
import { createPool } from '@annals/platform/postgres/pool';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { createApp as createProjector, type App as Projector } from '@annals/projector/app';
import { createApp as createQueryApi } from '@annals/query-api/app';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { vi } from 'vitest';
import { testDatabase } from './servers/postgres.ts';

export const PUBLIC_URL = 'http://annals.test';
export const OPERATOR_TOKEN = 'operator-token-of-tests';
const SERVICE_TOKEN = 'service-token-of-tests';

/** An event to append; its stream follows from the catalogue and the data, unless it is given. */
export interface Fact {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly stream?: string;
  readonly occurredAt?: string;
  readonly actor?: Actor;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: read freely by tests
  readonly body: any;
}

export interface GetOptions {
  /** Who asks: {@link as} of a user. Default: nobody. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ReadSide {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly log: EventLog;
  readonly masterKey: Buffer<ArrayBuffer>;
  /** Appends facts in one append per stream change; gives the last one's position. */
  append(...facts: readonly Fact[]): Promise<Position>;
  /** GETs a path of the query-api, or a whole URL that it gave. */
  get(path: string, options?: GetOptions): Promise<Answer>;
  /** GETs once everything appended so far is reflected. */
  fresh(path: string, options?: GetOptions): Promise<Answer>;
  readonly projector: Projector;
  /** Of the projector. */
  readonly opsUrl: string;
  readonly queryOpsUrl: string;
  readonly mainUrl: string;
  drop(): Promise<void>;
}

/** The Authorization header of a user with these permissions. */
export function as(userId: string, ...held: readonly Permission[]): string {
  return `Bearer ${[userId, ...held].join(' ')}`;
}

/** The Authorization header of one of our services. */
export const serviceCaller = `Bearer ${SERVICE_TOKEN}`;

const recognize = (authorization: string | undefined, address: string): Caller => {
  if (authorization === undefined) return { kind: 'anonymous', address };
  const [, userId = '', ...held] = authorization.split(' ');
  if (userId === SERVICE_TOKEN) return { kind: 'service', name: 'notifier', address };
  const known = new Set(permissions.filter((permission) => held.includes(permission)));
  return { kind: 'user', userId, sessionId: userId, permissions: known, address };
};

export interface ReadSideOptions {
  /** The database of documents; without it they are in PostgreSQL. */
  readonly mongodbUrl?: string;
}

/** Starts everything on a database of its own; `drop` ends it. */
export async function openReadSide({ mongodbUrl }: ReadSideOptions = {}): Promise<ReadSide> {
  const database = await testDatabase();
  const masterKey = randomBytes(32) as Buffer<ArrayBuffer>;
  const shared = {
    databaseUrl: database.url,
    host: '127.0.0.1',
    opsPort: 0,
    logLevel: 'silent',
    operatorToken: OPERATOR_TOKEN,
    mongodbUrl,
  } as const;
  const pool = createPool({ url: database.url, application: 'read-side' });
  const store = await createPostgresEventStore({ url: database.url, application: 'read-side' });
  const keys = await createPostgresKeyStore({ pool, masterKey });
  const log = createEventLog({ store, catalogue, keys, mayCreateKeys: true });
  const projector = createProjector({ ...shared, masterKey });
  await projector.start();
  const limit = 10_000_000;
  const queryApi = createQueryApi(
    {
      ...shared,
      port: 0,
      publicUrl: PUBLIC_URL,
      allowedOrigins: [],
      allowedHosts: [],
      trustedProxies: [],
      commandApiUrl: 'http://127.0.0.1:9',
      readDatabaseUrl: [],
      cacheBytes: 16 * 1024 ** 2,
      serviceTokens: new Map([['notifier', SERVICE_TOKEN]]),
      serviceToken: SERVICE_TOKEN,
      ...{ throttleRead: limit, throttleWrite: limit, throttleLogin: limit, throttleImport: limit },
    },
    { authenticator: { authenticate: recognize, recognize } },
  );
  await queryApi.start();
  const { main } = queryApi.addresses;

  const get: ReadSide['get'] = async (path, { as: authorization, headers = {} } = {}) => {
    const url = path.startsWith(PUBLIC_URL) ? path.slice(PUBLIC_URL.length) : path;
    const response = await fetch(`${main}${url}`, {
      headers: { ...(authorization ? { authorization } : {}), ...headers },
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body };
  };

  await vi.waitFor(
    async () => {
      const { status } = await fetch(`${projector.addresses.ops}/health/ready`);
      if (status !== 200) throw new Error('the projector is not ready');
    },
    { timeout: 20_000, interval: 50 },
  );

  return {
    url: database.url,
    pool,
    log,
    masterKey,
    projector,
    opsUrl: projector.addresses.ops,
    queryOpsUrl: queryApi.addresses.ops,
    mainUrl: main,
    append: async (...facts) => appendFacts(log, facts),
    get,
    async fresh(path, options = {}) {
      const position = { 'annals-min-position': await log.head(), prefer: 'wait=10' };
      return get(path, { ...options, headers: { ...position, ...options.headers } });
    },
    async drop() {
      await queryApi.stop();
      await projector.stop();
      await store.close();
      await pool.end();
      await database.drop();
    },
  };
}

/** Runs of facts of one stream go together. */
async function appendFacts(log: EventLog, facts: readonly Fact[]): Promise<Position> {
  const runs: { stream: string; facts: Fact[] }[] = [];
  for (const fact of facts) {
    const stream = streamOf(fact);
    const run = runs.at(-1);
    if (run?.stream === stream) run.facts.push(fact);
    else runs.push({ stream, facts: [fact] });
  }
  let position = '';
  for (const run of runs) {
    ({ position } = await log.append(run.stream, run.facts.map(toInput), 'any'));
  }
  return position;
}

function streamOf({ stream, type, data }: Fact): string {
  if (stream) return stream;
  const category = catalogue.get(type)?.category;
  if (category === 'follow') return `follow-${data.followerId}.${data.userId}`;
  if (category === 'like') return `like-${data.articleId}.${data.userId}`;
  return `${category}-${data[`${category}Id`]}`;
}

function toInput({ type, data, occurredAt, actor }: Fact) {
  const commandId = uuidv7();
  return {
    id: uuidv7(),
    type,
    data,
    metadata: {
      commandId,
      correlationId: commandId,
      causationId: commandId,
      actor: actor ?? { kind: 'system' as const, id: null },
      occurredAt: occurredAt ?? new Date().toISOString(),
    },
  };
}
