/** The relay from the log to Kafka, exactly once, against a raw kafkajs producer of the same records. */
import { catalogue } from '@annals/contracts/catalogue';
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { TopicRecord } from '@annals/contracts/kit/topic';
import { eventRecords, topics } from '@annals/contracts/topics';
import { createPostgresReactionStore } from '@annals/platform/consumer/postgres/store';
import { viewName } from '@annals/platform/consumer/projection';
import { createConsumers } from '@annals/platform/consumer/runtime';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { createKafka } from '@annals/platform/messaging/kafka';
import { createKafkaDelivery } from '@annals/platform/messaging/kafka-delivery';
import { createRelayStore } from '@annals/platform/messaging/relay-store';
import { createPool } from '@annals/platform/postgres/pool';
import { createNoKeys } from '@annals/platform/privacy/no-keys';
import { createLogger } from '@annals/platform/telemetry/logger';
import { eventRelay } from '@annals/projector/topics/relays';
import { kafkaHome } from '@annals/testing/config';
import { startKafka } from '@annals/testing/servers/kafka';
import { CompressionTypes, type Kafka, type Message, Partitioners } from 'kafkajs';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { type BenchContext, defineBench, ratioRow, tellingRow } from '../kit/bench.ts';
import { withClient } from '../kit/postgres.ts';
import { interleaved, perSecond } from '../kit/rounds.ts';
import { fillLog } from '../read/log-data.ts';

const full = { people: 500, articles: 4_000, likes: 5, comments: 3 };
const quick = { people: 10, articles: 100, likes: 5, comments: 3 };
const BATCH = 1_000;
const SETTINGS = { partitions: 6, retentionHours: 1 };
const what = 'relay of events to Kafka, exactly once';
const against = 'raw kafkajs: the same records, gzip, idempotent, 1,000 a send';

export const relay = defineBench({
  name: 'relay',
  about:
    'events from the log to Kafka, against a raw producer; left out where ANNALS_TEST_KAFKA_HOME is not set',
  async run(context) {
    if (kafkaHome === undefined)
      return [tellingRow({ what, against, measured: 'left out: ANNALS_TEST_KAFKA_HOME is not set' })];
    const world = await open(context);
    context.say('reading the records');
    const records = await recordsOf(world.log);
    const rate = async (work: () => Promise<number>) => (records.length / (await work())) * 1_000;
    let generation = 0;
    const figures = await interleaved(
      [
        { name: 'relay', run: (ms) => (ms === 0 ? skip() : rate(() => runRelay(world, ++generation))) },
        { name: 'raw', run: (ms) => (ms === 0 ? skip() : rate(() => sendRaw(world.kafka, records))) },
      ],
      { rounds: context.pick(1, 3), warmUpMs: context.pick(0, 1), runMs: 1, say: context.say },
    );
    const measured = `${perSecond(figures.of('relay'))} vs ${perSecond(figures.of('raw'))}`;
    return [ratioRow({ what, against, measured }, figures.ratio('relay', 'raw').median, 0.6)];
  },
});

interface World {
  readonly pool: pg.Pool;
  readonly log: EventLog;
  readonly kafka: Kafka;
}

async function open(context: BenchContext): Promise<World> {
  const server = await context.postgres();
  const url = await server.database();
  const store = await createPostgresEventStore({ url, application: 'bench' });
  context.onEnd(() => store.close());
  const pool = createPool({ url, application: 'bench' });
  context.onEnd(() => pool.end());
  context.say('filling the log');
  await withClient(url, (client) => fillLog(client, context.pick(quick, full)));
  context.say('starting Kafka');
  const broker = await startKafka();
  context.onEnd(() => broker.remove());
  const logger = createLogger({ service: 'bench', level: 'silent' });
  const kafka = createKafka({ brokers: [broker.broker], tls: null, sasl: null, logger });
  return { pool, kafka, log: createEventLog({ store, catalogue, keys: createNoKeys() }) };
}

/** What counts as warmed up before. */
async function skip(): Promise<number> {
  return 0;
}

async function recordsOf(log: EventLog): Promise<readonly TopicRecord[]> {
  const all: DomainEvent[] = [];
  for await (const { events, caughtUp } of log.subscribe({
    from: 'start',
    types: new Set(topics.events.keys()),
  })) {
    all.push(...events);
    if (caughtUp) break;
  }
  return all.flatMap((event) => eventRecords(topics, event));
}

/** A relay that has never run before, from its lease until it has caught up; gives milliseconds. */
async function runRelay({ pool, log, kafka }: World, version: number): Promise<number> {
  const consumer = { ...eventRelay(topics), version };
  const logger = createLogger({ service: 'bench', level: 'silent' });
  const delivery = createKafkaDelivery({
    ...{ kafka, logger, settings: SETTINGS, topics: topics.all, guarantee: 'exactly-once' },
    relays: [viewName(consumer)],
  });
  const base = createPostgresReactionStore({ pool });
  const store = createRelayStore({ base, delivery, log, logger });
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let start = 0;
  const consumers = createConsumers({
    ...{ log, owner: 'bench', logger, metrics: new Registry(), consumers: [consumer] },
    store: {
      ...store,
      claim: async (...args) => {
        const claim = await store.claim(...args);
        start = performance.now();
        return claim;
      },
      goLive: async (claim) => {
        resolve();
        return store.goLive(claim);
      },
    },
  });
  await consumers.start();
  await done;
  const took = performance.now() - start;
  await consumers.stop();
  await delivery.close();
  return took;
}

async function sendRaw(kafka: Kafka, records: readonly TopicRecord[]): Promise<number> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    ...{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false },
  });
  await producer.connect();
  const start = performance.now();
  for (let first = 0; first < records.length; first += BATCH) {
    const messages = new Map<string, Message[]>();
    for (const { topic, ...message } of records.slice(first, first + BATCH)) {
      const some = messages.get(topic) ?? [];
      some.push(message);
      messages.set(topic, some);
    }
    const topicMessages = [...messages].map(([topic, some]) => ({ topic, messages: some }));
    await producer.sendBatch({ topicMessages, compression: CompressionTypes.GZIP });
  }
  const took = performance.now() - start;
  await producer.disconnect();
  return took;
}
