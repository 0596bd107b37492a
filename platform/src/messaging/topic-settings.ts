/** The topics in Kafka: made where they are not there, left alone where they are. */
import type { Topic } from '@annals/contracts/kit/topic';
import type { ITopicConfig, Kafka } from 'kafkajs';

export interface TopicSettings {
  /** Of topics that are made. More later would move keys to other partitions. */
  readonly partitions: number;
  /** How long event topics keep records, in hours. */
  readonly retentionHours: number;
}

/** Small segments are compacted soon, so that whoever takes a relay over reads little. */
const CHECKPOINT_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(1024 * 1024),
  'min.cleanable.dirty.ratio': '0.01',
};

/** The topic that holds a relay's checkpoint. */
export function checkpointTopic(relay: string): string {
  return `annals.relay.${relay}`;
}

/** Makes those topics that are not there, with the broker's replication. */
export async function ensureTopics(
  kafka: Kafka,
  topics: readonly Topic[],
  relays: readonly string[],
  settings: TopicSettings,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const wanted = [...topics.map((topic) => configOf(topic, settings)), ...relays.map(checkpointConfig)];
    const known = new Set(await admin.listTopics());
    const missing = wanted.filter(({ topic }) => !known.has(topic));
    if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
}

function configOf({ name, carries }: Topic, { partitions, retentionHours }: TopicSettings): ITopicConfig {
  const config: Record<string, string> =
    carries === 'events'
      ? { 'cleanup.policy': 'delete', 'retention.ms': String(retentionHours * 3_600_000) }
      : { 'cleanup.policy': 'compact' };
  return { topic: name, numPartitions: partitions, configEntries: entriesOf(config) };
}

function checkpointConfig(relay: string): ITopicConfig {
  return { topic: checkpointTopic(relay), numPartitions: 1, configEntries: entriesOf(CHECKPOINT_CONFIG) };
}

function entriesOf(config: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(config).map(([name, value]) => ({ name, value }));
}
