/** What the configuration says about Kafka, as the relays take it. */
import { readFile } from 'node:fs/promises';
import type { Guarantee } from '@annals/platform/messaging/delivery';
import type { KafkaOptions } from '@annals/platform/messaging/kafka';
import type { TopicSettings } from '@annals/platform/messaging/topic-settings';
import type { Config } from '../config.ts';

export interface KafkaConfig extends Pick<KafkaOptions, 'brokers' | 'tls' | 'sasl'> {
  readonly guarantee: Guarantee;
  readonly settings: TopicSettings;
}

const PARTITIONS = 6;
const RETENTION_HOURS = 24 * 30;

/** Null where no brokers are set: the relays are off. Rejects where the certificate's file can't be read. */
export async function kafkaConfigOf(config: Config): Promise<KafkaConfig | null> {
  if (!config.kafkaBrokers) return null;
  const { kafkaTls, kafkaCaFile, kafkaSaslMechanism: mechanism } = config;
  const ca = kafkaCaFile === undefined ? {} : { ca: await readFile(kafkaCaFile, 'utf8') };
  const { kafkaUsername: username = '', kafkaPassword: password = '' } = config;
  return {
    brokers: config.kafkaBrokers,
    tls: kafkaTls === 'on' ? ca : null,
    sasl: mechanism ? { mechanism: mechanism as 'plain', username, password } : null,
    guarantee: config.kafkaDelivery ?? 'exactly-once',
    settings: {
      partitions: config.kafkaPartitions ?? PARTITIONS,
      retentionHours: config.kafkaRetentionHours ?? RETENTION_HOURS,
    },
  };
}
