import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createApp, type App as Projector } from '@annals/projector/app';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environmentWith, kafkaPython } from '../config.ts';
import { asyncApi } from '../generated/documents.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import {
  EVENT_TOPICS,
  kill,
  OPERATOR_TOKEN,
  openTopicWorld,
  RELAYS,
  type ReadRecord,
  readTopics,
  STATE_TOPICS,
  type TopicWorld,
} from './kit.ts';

/** What is in the topics, who reads it, and what operators do about it. */
export function recordTests(kafka: () => KafkaServer): void {
  let world: TopicWorld;
  let projector: Projector;
  beforeAll(async () => {
    world = await openTopicWorld(kafka().broker);
    projector = createApp({ ...world.config, masterKey: world.masterKey }, { projections: [], tickMs: 100 });
    await projector.start();
  });
  afterAll(async () => {
    await projector?.stop();
    await world?.drop();
  });

  const annals = async (...args: string[]) => {
    const main = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
    const env = environmentWith({ ANNALS_OPERATOR_TOKEN: OPERATOR_TOKEN, ANNALS_DATABASE_URL: world.url });
    const command = [main, ...args, '--ops', projector.addresses.ops];
    return (await promisify(execFile)(process.execPath, command, { env })).stdout;
  };
  /** The code of the problem that the projector answers to a replay. */
  const refusal = async (replay: object) => {
    const response = await fetch(`${projector.addresses.ops}/admin/topics/replays`, {
      method: 'POST',
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(replay),
    });
    return ((await response.json()) as { code: string }).code;
  };
  const newest = (records: readonly ReadRecord[], key: string) =>
    records.filter((one) => one.key === key).at(-1);

  test('hold what the AsyncAPI document says, keyed by subject, without anybody’s name', async () => {
    const userId = uuidv7();
    const personal = {
      username: 'ada-the-first',
      email: 'ada@example.org',
      firstName: 'Ada',
      lastName: 'Lovelace',
    };
    await world.append(`user-${userId}`, ['UserRegistered', { userId, ...personal, imported: false }]);
    await world.append(`user-${userId}`, ['ProfileUpdated', { userId, bio: 'Counts and counts.' }]);
    const id = await world.article(2);
    await world.relayed();
    const records = await readTopics(kafka().client, [...EVENT_TOPICS, ...STATE_TOPICS]);
    for (const name of [...Object.values(personal), 'Counts and counts.'])
      expect(JSON.stringify(records)).not.toContain(name);
    const own = records.filter(({ topic, key }) => topic === 'annals.publishing.v1' && key === id);
    expect(own.map(({ headers }) => headers.ce_type)).toEqual([
      'annals.publishing.article-published.v1',
      'annals.publishing.article-updated.v1',
      'annals.publishing.article-updated.v1',
    ]);
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
    expect(records.filter(({ key }) => key === userId).map(({ headers }) => headers.ce_type)).toEqual(
      expect.arrayContaining(['annals.identity.user-registered.v1', 'annals.identity.user-state.v1']),
    );
    expectAsDescribed(records);
  });

  test('hold each subject’s newest public state, and a tombstone for what is not public any more', async () => {
    const id = await world.article(2);
    await world.relayed();
    const states = await readTopics(kafka().client, STATE_TOPICS);
    expect(JSON.parse(newest(states, id)?.value ?? '')).toMatchObject({
      id,
      title: 'On engines, 1',
      revision: 3,
    });
    await world.append(`article-${id}`, [
      'ArticleDeleted',
      { articleId: id, authorId: id, wasPublished: true, tags: [] },
    ]);
    await world.relayed();
    expect(newest(await readTopics(kafka().client, STATE_TOPICS), id)?.value).toBeNull();
  });

  test('are made with the partitions and the retention that are configured', async () => {
    const admin = kafka().client.admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [...EVENT_TOPICS, ...STATE_TOPICS] });
      for (const { partitions } of topics) expect(partitions).toHaveLength(3);
      const settings = async (name: string) => {
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: 2, name, configNames: ['retention.ms', 'cleanup.policy'] }],
        });
        const entries = resources[0]?.configEntries ?? [];
        return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
      };
      expect(await settings('annals.publishing.v1')).toMatchObject({
        'cleanup.policy': 'delete',
        'retention.ms': String(30 * 24 * 3_600_000),
      });
      expect(await settings('annals.publishing.state.v1')).toMatchObject({ 'cleanup.policy': 'compact' });
    } finally {
      await admin.disconnect();
    }
  });

  test('operators list them, see relays like any consumer, and have them published again', async () => {
    const id = await world.article();
    await world.relayed();
    expect(await annals('topics', 'list')).toMatch(
      /annals\.publishing\.v1 +events +annals\.publishing\.article-deleted/,
    );
    const status = JSON.parse(await annals('status', '--json')) as {
      consumers: { consumer: string; lag: number }[];
    };
    expect(status.consumers).toEqual(
      RELAYS.map((consumer) => expect.objectContaining({ consumer, lag: 0, owner: expect.any(String) })),
    );
    const count = async () =>
      (await readTopics(kafka().client, EVENT_TOPICS)).filter(({ key }) => key === id).length;
    expect(await count()).toBe(1);
    expect(await annals('topics', 'replay', '--from', 'start')).toBe('replaying\nreplaying\n');
    await world.relayed();
    expect(await count()).toBe(2);
    expect(await refusal({ from: 'elsewhere.1' })).toBe('unknown-position');
    expect(await refusal({ from: 'start', relay: 'article_list_v4' })).toBe('not-found');
  });

  test.skipIf(kafkaPython === undefined)(
    'a reader in Python that knows the document alone follows publications',
    async () => {
      const script = fileURLToPath(new URL('./reader.py', import.meta.url));
      const reader: ChildProcess = spawn('python3', [script, kafka().broker, `reader-${uuidv7()}`], {
        env: environmentWith({ PYTHONPATH: kafkaPython }),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const wanted = new Set([await world.article(), await world.article(1)]);
        if (!reader.stdout) throw new Error('the reader tells nothing');
        for await (const line of createInterface({ input: reader.stdout })) {
          expect(line).toMatch(/^[0-9a-f-]{36} \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z one$/);
          wanted.delete(line.slice(0, 36));
          if (wanted.size === 0) break;
        }
        expect([...wanted]).toEqual([]);
      } finally {
        await kill(reader);
      }
    },
  );
}

interface Described {
  readonly address: string;
  readonly messages: Readonly<Record<string, { name: string; headers?: object; payload: object }>>;
}

/** Holds records against the document alone. */
function expectAsDescribed(records: readonly ReadRecord[]): void {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  const channels = Object.values(
    (asyncApi.parse(asyncApi.render()) as { channels: Record<string, Described> }).channels,
  );
  for (const { topic, headers, value, key } of records) {
    const messages = Object.values(channels.find(({ address }) => address === topic)?.messages ?? {});
    const message = messages.find(({ name }) => name === headers.ce_type);
    if (!message) throw new Error(`${topic} does not describe ${headers.ce_type}`);
    expect(ajv.validate(message.headers ?? {}, headers), ajv.errorsText()).toBe(true);
    expect(ajv.validate(message.payload, JSON.parse(value ?? 'null')), ajv.errorsText()).toBe(true);
    expect(headers.ce_subject).toBe(key);
  }
}
