/**
 * Delivery to Kafka. Exactly once: one transaction holds a batch's records and the checkpoint, under a transactional id
 * that is the relay's for ever, so whoever takes the relay over puts the owner before out. After any error the producer
 * is given up and the checkpoint read again. At least once: an idempotent producer, which sends the very same batch until
 * it gets through. Never two sends at once on one producer: kafkajs would lose records.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic, TopicRecord } from '@annals/contracts/kit/topic';
import { CompressionTypes, type Kafka, Partitioners, type Producer } from 'kafkajs';
import type { ConsumerFaults } from '../consumer/faults.ts';
import { TemporarilyUnavailable } from '../consumer/reaction.ts';
import { backoff } from '../postgres/backoff.ts';
import type { Logger } from '../telemetry/logger.ts';
import { checkpointMessage, ownerMessage, readCheckpoint } from './checkpoint-record.ts';
import type { Delivery, Guarantee } from './delivery.ts';
import { RecordRefused, toPassing } from './kafka.ts';
import { toRequests } from './requests.ts';
import { ensureTopics, type TopicSettings } from './topic-settings.ts';

export interface KafkaDeliveryOptions {
  readonly kafka: Kafka;
  readonly guarantee: Guarantee;
  readonly topics: readonly Topic[];
  /** All that deliver. */
  readonly relays: readonly string[];
  readonly settings: TopicSettings;
  readonly logger: Logger;
  /** What tests make happen while a transaction is open. */
  readonly faults?: ConsumerFaults | undefined;
}

/** After this long without its owner a transaction is aborted; until then readers wait for it. */
const TRANSACTION_TIMEOUT_MS = 30_000;
/** How long a producer may take to close before it is left to itself. */
const CLOSE_MS = 2_000;

/** Creates a delivery; nothing is connected before `begin`. */
export function createKafkaDelivery(options: KafkaDeliveryOptions): Delivery {
  const { kafka, guarantee, topics, relays, settings, logger, faults } = options;
  const isTransactional = guarantee === 'exactly-once';
  const producers = new Map<string, Producer>();
  const closing = new AbortController();
  let areTopicsThere = false;

  const open = async (relay: string): Promise<Producer> => {
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      ...(isTransactional
        ? { transactionalId: `annals.relay.${relay}`, transactionTimeout: TRANSACTION_TIMEOUT_MS }
        : { idempotent: true }),
    });
    producers.set(relay, producer);
    await producer.connect();
    return producer;
  };

  const giveUp = async (relay: string): Promise<void> => {
    const producer = producers.get(relay);
    producers.delete(relay);
    if (!producer) return;
    const closed = producer.disconnect().catch((error: unknown) => {
      logger.debug({ error, relay }, 'a producer did not close well');
    });
    await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
  };

  const transact = async (producer: Producer, relay: string, records: readonly TopicRecord[], last: Last) => {
    const transaction = await producer.transaction();
    for (const topicMessages of toRequests(records, last))
      await transaction.sendBatch({ topicMessages, compression: CompressionTypes.GZIP });
    await faults?.('sent', relay);
    await transaction.commit();
  };

  /** Until it gets through: only a batch that is the same each time is told from a new one by the broker. */
  const insist = async (producer: Producer, records: readonly TopicRecord[], last: Last): Promise<void> => {
    for (const topicMessages of toRequests(records, last)) {
      for (let attempt = 0; ; attempt++) {
        try {
          await producer.sendBatch({ topicMessages, compression: CompressionTypes.GZIP });
          break;
        } catch (error) {
          const passing = toPassing(error);
          if (passing instanceof RecordRefused || closing.signal.aborted) throw passing;
          logger.warn({ error }, 'records do not get through to Kafka; trying again');
          await sleep(backoff(attempt), undefined, { signal: closing.signal });
        }
      }
    }
  };

  /** What goes on while we close is of nobody's interest any more. */
  const unlessClosing = async <Result>(work: Promise<Result>): Promise<Result> => {
    const { promise: closed, reject } = Promise.withResolvers<never>();
    const stop = () => reject(new TemporarilyUnavailable('the delivery is closing'));
    if (closing.signal.aborted) stop();
    closing.signal.addEventListener('abort', stop);
    try {
      return await Promise.race([work, closed]);
    } catch (error) {
      throw toPassing(error);
    } finally {
      closing.signal.removeEventListener('abort', stop);
    }
  };

  const takeOver = async (relay: string): Promise<string | null> => {
    if (!areTopicsThere) await ensureTopics(kafka, topics, relays, settings);
    areTopicsThere = true;
    if (!isTransactional) {
      if (!producers.has(relay)) await open(relay);
      return null;
    }
    await giveUp(relay);
    const mark = randomUUID();
    // Its first transaction puts the owner before out, and waits for the end of what that had begun to commit.
    await transact(await open(relay), relay, [], ownerMessage(relay, mark));
    return readCheckpoint(kafka, relay, mark);
  };

  return {
    async begin(relay) {
      try {
        return await unlessClosing(takeOver(relay));
      } catch (error) {
        areTopicsThere = false;
        await giveUp(relay);
        throw error;
      }
    },
    async deliver(relay, records, position) {
      const producer = producers.get(relay);
      if (!producer) throw new TemporarilyUnavailable(`${relay} has to begin again`);
      const last = checkpointMessage(relay, position);
      const work = isTransactional
        ? transact(producer, relay, records, last)
        : insist(producer, records, last);
      try {
        await unlessClosing(work);
      } catch (error) {
        await giveUp(relay);
        throw error;
      }
    },
    end: giveUp,
    async close() {
      closing.abort();
      await Promise.all(relays.map(giveUp));
    },
  };
}

type Last = ReturnType<typeof checkpointMessage>;
