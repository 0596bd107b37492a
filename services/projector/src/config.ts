/** The projector's configuration. */
import { commaList, masterKey, mongodbUrl, serviceFields, wholeNumber } from '@annals/platform/config/common';
import { loadConfig } from '@annals/platform/config/config';
import { z } from 'zod';

const HOUR_MAX = 24 * 366 * 100;

const settings = z.object({
  ...serviceFields,
  /** Opens the personal data that views show. */
  masterKey,
  mongodbUrl,
  /** `host:port,…`; without them the relay to integration topics is off. */
  kafkaBrokers: commaList(
    z.string().regex(/^[^\s:,/]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i, 'must be host:port'),
  )
    .pipe(z.array(z.string()).min(1))
    .optional(),
  kafkaTls: z.enum(['on', 'off']).optional(),
  /** A PEM file with the certificate that brokers' are signed by, where it is none of the usual ones. */
  kafkaCaFile: z.string().optional(),
  /** With user name and password. */
  kafkaSaslMechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  kafkaUsername: z.string().optional(),
  kafkaPassword: z.string().optional(),
  /** `exactly-once` unless the brokers have no transactions. */
  kafkaDelivery: z.enum(['exactly-once', 'at-least-once']).optional(),
  /** Of topics that are made: 6. */
  kafkaPartitions: wholeNumber(1, 1_000).optional(),
  /** How long event topics that are made keep records: 30 days. */
  kafkaRetentionHours: wholeNumber(1, HOUR_MAX).optional(),
});

/** Checked together with the rest, so that every mistake is reported at once. */
const saslIsWhole = (
  input: { [Name in 'kafkaSaslMechanism' | 'kafkaUsername' | 'kafkaPassword']?: unknown },
) =>
  new Set(
    [input.kafkaSaslMechanism, input.kafkaUsername, input.kafkaPassword].map((value) => value === undefined),
  ).size === 1;

export const configSchema = settings.refine(saslIsWhole, {
  path: ['kafkaSaslMechanism'],
  message: 'set this, ANNALS_KAFKA_USERNAME and ANNALS_KAFKA_PASSWORD, or none of them',
  when: () => true,
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Reads the process's environment; throws a `ConfigError` that lists every mistake. */
export function readConfig(): Config {
  return loadConfig(configSchema, process.env);
}
