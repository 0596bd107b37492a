/** A relay's checkpoint as a record of its own compacted topic, in the same transaction as what it stands for. */
import { randomUUID } from 'node:crypto';
import type { Kafka, TopicMessages } from 'kafkajs';
import type { Position } from '../event-store/port.ts';
import { checkpointTopic } from './topic-settings.ts';

const CHECKPOINT = 'checkpoint';
const OWNER = 'owner';

/** How long the topic may take to read, in milliseconds; joining a group alone may take a few seconds. */
const TIMEOUT_MS = 20_000;

/** The record that says how far a relay is. */
export function checkpointMessage(relay: string, position: Position): TopicMessages {
  return { topic: checkpointTopic(relay), messages: [{ key: CHECKPOINT, value: position }] };
}

/** The record that says who takes a relay over; `mark` is the caller's own. */
export function ownerMessage(relay: string, mark: string): TopicMessages {
  return { topic: checkpointTopic(relay), messages: [{ key: OWNER, value: mark }] };
}

/**
 * The newest checkpoint before the owner record with `mark`, which has been committed. Reading up to one's own record
 * tells for certain that nothing is missing: the end of a topic may be records that no reader is shown.
 */
export async function readCheckpoint(kafka: Kafka, relay: string, mark: string): Promise<Position | null> {
  const consumer = kafka.consumer({
    groupId: `annals.relay.${relay}.${randomUUID()}`,
    maxWaitTimeInMs: 100,
    retry: { restartOnFailure: async () => false },
  });
  const { promise: found, resolve, reject } = Promise.withResolvers<Position | null>();
  let newest: Position | null = null;
  const timer = setTimeout(
    () => reject(new Error(`the checkpoint of ${relay} was not found in time`)),
    TIMEOUT_MS,
  );
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: checkpointTopic(relay), fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message: { key, value } }) => {
        if (String(key) === CHECKPOINT) newest = value && String(value);
        else if (String(value) === mark) resolve(newest);
      },
    });
    return await found;
  } finally {
    clearTimeout(timer);
    found.catch(() => {});
    await consumer.disconnect();
  }
}
