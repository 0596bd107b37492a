/** What tests of the topics share: a log with users and articles, relays in processes of their own, readers of topics. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { catalogue } from '@annals/contracts/catalogue';
import type { DomainEvent } from '@annals/contracts/kit/event';
import { eventRecords, topics } from '@annals/contracts/topics';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import type { Position } from '@annals/platform/event-store/port';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { createPool } from '@annals/platform/postgres/pool';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import type { Config } from '@annals/projector/config';
import type { Kafka } from 'kafkajs';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { vi } from 'vitest';
import { testDatabase } from '../servers/postgres.ts';
import type { ChildSettings } from './projector.child.ts';

export const EVENT_TOPICS = topics.all.filter(({ carries }) => carries === 'events').map(({ name }) => name);
export const STATE_TOPICS = topics.all.filter(({ carries }) => carries === 'states').map(({ name }) => name);
export const RELAYS = ['topic_events_v1', 'topic_states_v1'];
export const OPERATOR_TOKEN = 'operator-token-of-tests';

export interface TopicWorld {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly log: EventLog;
  readonly config: Omit<Config, 'masterKey'> & { readonly kafkaBrokers: string[] };
  readonly masterKey: Buffer<ArrayBuffer>;
  /** Appends events of one stream. */
  append(stream: string, ...events: readonly (readonly [type: string, data: object])[]): Promise<Position>;
  /** Creates and publishes an article, and edits it so many times; gives its id. */
  article(edits?: number): Promise<string>;
  /** Starts relays in a process of their own; resolves once it runs, or is held where it should be. */
  start(options?: Partial<ChildSettings>): Promise<ChildProcess>;
  /** Resolves once both relays have handled all that is in the log. */
  relayed(timeout?: number): Promise<void>;
  /** Appends articles until it is told to stop, in bursts, so that batches of all sizes come about. */
  load(): () => Promise<void>;
  /**
   * What a reader of committed records finds of this world's events, and what it has to find: ids by key, in order.
   * Events of other worlds on the same topics are left out.
   */
  found(client: Kafka): Promise<{ readonly found: Ids; readonly expected: Ids }>;
  drop(): Promise<void>;
}

const LEASE_MS = 1_000;

/** Opens a log on a database of its own, with the topics at `broker`. */
export async function openTopicWorld(broker: string): Promise<TopicWorld> {
  const database = await testDatabase();
  const { url } = database;
  const masterKey = randomBytes(32) as Buffer<ArrayBuffer>;
  const pool = createPool({ url, application: 'topics' });
  const store = await createPostgresEventStore({ url, application: 'topics' });
  const keys = await createPostgresKeyStore({ pool, masterKey });
  const log = createEventLog({ store, catalogue, keys, mayCreateKeys: true });
  const children = new Set<ChildProcess>();
  const config = {
    databaseUrl: url,
    host: '127.0.0.1',
    opsPort: 0,
    logLevel: 'silent' as const,
    operatorToken: OPERATOR_TOKEN,
    kafkaBrokers: [broker],
    kafkaPartitions: 3,
  };

  const append: TopicWorld['append'] = async (stream, ...events) => {
    const inputs = events.map(([type, data]) => ({ id: uuidv7(), type, data, metadata: metadata() }));
    return (await log.append(stream, inputs, 'any')).position;
  };

  const article = async (edits = 0): Promise<string> => {
    const [articleId, authorId] = [uuidv7(), uuidv7()];
    const ids = { articleId, authorId };
    const created = { ...ids, title: 'On engines', slug: `on-${articleId}`, content: '<p>They weave.</p>' };
    await append(
      `article-${articleId}`,
      ['ArticleCreated', { ...created, tags: ['one'], externalId: null }],
      ['ArticlePublished', { ...ids, publishedAt: new Date().toISOString(), tags: ['one'] }],
      ...Array.from(
        { length: edits },
        (_, n) => ['ArticleUpdated', { ...ids, isPublished: true, title: `On engines, ${n}` }] as const,
      ),
    );
    return articleId;
  };

  return {
    ...{ url, pool, log, config, masterKey, append, article },
    async start(options = {}) {
      const child = fork(fileURLToPath(new URL('./projector.child.ts', import.meta.url)), {
        // kafkajs asks for a timer in the past when it connects.
        execArgv: ['--disable-warning=TimeoutNegativeWarning'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      children.add(child);
      const started = said(child, options.holdAt ? 'held' : 'started');
      const settings: ChildSettings = { config, masterKey: masterKey.toString('base64'), leaseMs: LEASE_MS };
      child.send({ ...settings, ...options });
      await Promise.race([started, once(child, 'exit')]);
      return child;
    },
    async relayed(timeout = 60_000) {
      const head = await log.head();
      await vi.waitFor(
        async () => {
          const { rows } = await pool.query<{ consumer: string; through: string }>(
            'select consumer, through from consumers.checkpoints where consumer = any ($1) and through >= $2',
            [RELAYS, head],
          );
          if (rows.length < RELAYS.length) throw new Error(`the relays are not at ${head}`);
        },
        { timeout, interval: 50 },
      );
    },
    load() {
      const stopping = new AbortController();
      const appending = (async () => {
        for (let n = 0; !stopping.signal.aborted; n++) {
          await Promise.all(Array.from({ length: (n % 5) + 1 }, (_, edits) => article(edits)));
          await sleep(10 + (n % 5));
        }
      })();
      return async () => {
        stopping.abort();
        await appending;
      };
    },
    async found(client) {
      const records = (await allEvents(log)).flatMap((event) => eventRecords(topics, event));
      const own = new Set(records.map(({ headers }) => headers.ce_id));
      const read = await readTopics(client, EVENT_TOPICS);
      return { found: idsOf(read.filter(({ headers }) => own.has(headers.ce_id))), expected: idsOf(records) };
    },
    async drop() {
      for (const child of children) await kill(child);
      await store.close();
      await pool.end();
      await database.drop();
    },
  };
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      if (message === word) resolve();
    });
  });
}

/** kill -9, and until it has ended. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function allEvents(log: EventLog): Promise<readonly DomainEvent[]> {
  const all: DomainEvent[] = [];
  for await (const { events, caughtUp } of log.subscribe({
    from: 'start',
    types: new Set(catalogue.keys()),
  })) {
    all.push(...events);
    if (caughtUp) break;
  }
  return all;
}

/** A record as a reader of committed records meets it. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of records that tests put at the ends of topics. */
const MARK = 'mark';

/** All committed records of `names`, from the beginning, each partition in its order. */
export async function readTopics(client: Kafka, names: readonly string[]): Promise<readonly ReadRecord[]> {
  const consumer = client.consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 100 });
  const records: ReadRecord[] = [];
  const admin = client.admin();
  await admin.connect();
  // Records of an end say where reading is over: the last offsets may be transactions' marks, which nobody is shown.
  const mark = randomUUID();
  const producer = client.producer({ allowAutoTopicCreation: false });
  await Promise.all([consumer.connect(), producer.connect()]);
  let open = 0;
  for (const topic of names) {
    const partitions = (await admin.fetchTopicOffsets(topic)).length;
    open += partitions;
    const messages = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      key: mark,
      value: mark,
      headers: { ce_id: mark, ce_type: MARK },
    }));
    await producer.send({ topic, messages });
  }
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error('the topics could not be read to their ends')), 60_000);
  try {
    await consumer.subscribe({ topics: [...names], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        if (String(message.key) === mark) {
          if (--open === 0) resolve();
          return;
        }
        const record = { topic, partition, ...toRecord(message) };
        if (record.headers.ce_type !== MARK) records.push(record);
      },
    });
    await done;
    return records;
  } finally {
    clearTimeout(timer);
    await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
  }
}

function toRecord(message: import('kafkajs').KafkaMessage) {
  const headers = Object.entries(message.headers ?? {}).map(
    ([name, value]) => [name, String(value)] as const,
  );
  return {
    offset: Number(message.offset),
    key: String(message.key),
    value: message.value && String(message.value),
    headers: Object.fromEntries(headers),
  };
}

type Ids = Readonly<Record<string, readonly (string | undefined)[]>>;

/** The `ce_id`s of each key, in order. */
function idsOf(records: readonly Pick<ReadRecord, 'key' | 'headers'>[]): Ids {
  const ids = new Map<string, (string | undefined)[]>();
  for (const { key, headers } of records) ids.set(key, [...(ids.get(key) ?? []), headers.ce_id]);
  return Object.fromEntries([...ids].sort());
}

function metadata() {
  const commandId = uuidv7();
  return {
    commandId,
    correlationId: commandId,
    causationId: commandId,
    actor: { kind: 'system' as const, id: null },
    occurredAt: new Date().toISOString(),
    traceparent: '00-5b8aa5a2d2c872e8321cf37308d69df2-051581bf3cb55c13-01',
  };
}
