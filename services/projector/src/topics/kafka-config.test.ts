import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '@annals/platform/config/config';
import { expect, test } from 'vitest';
import { configSchema } from '../config.ts';
import { kafkaConfigOf } from './kafka-config.ts';

const valid = {
  ANNALS_DATABASE_URL: 'postgres://localhost/annals',
  ANNALS_OPS_PORT: '9084',
  ANNALS_OPERATOR_TOKEN: 'x'.repeat(20),
  ANNALS_MASTER_KEY: Buffer.alloc(32).toString('base64'),
};
const brokers = { ...valid, ANNALS_KAFKA_BROKERS: 'kafka-1:9092, [::1]:9093' };
const kafkaOf = (env: Record<string, string>) => kafkaConfigOf(loadConfig(configSchema, env));

function mistakes(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(configSchema, env);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.mistakes : [String(error)];
  }
}

test('without brokers there are no topics', async () => {
  expect(await kafkaOf(valid)).toBeNull();
});

test('brokers alone give exactly once, six partitions and thirty days', async () => {
  expect(await kafkaOf(brokers)).toEqual({
    brokers: ['kafka-1:9092', '[::1]:9093'],
    tls: null,
    sasl: null,
    guarantee: 'exactly-once',
    settings: { partitions: 6, retentionHours: 720 },
  });
});

test('TLS, an authority of one’s own and SASL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'annals-kafka-config-'));
  try {
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, 'PEM');
    const secured = {
      ...{ ...brokers, ANNALS_KAFKA_TLS: 'on', ANNALS_KAFKA_DELIVERY: 'at-least-once' },
      ...{ ANNALS_KAFKA_SASL_MECHANISM: 'scram-sha-512' },
      ...{ ANNALS_KAFKA_USERNAME: 'annals', ANNALS_KAFKA_PASSWORD: 'secret' },
    };
    expect(await kafkaOf(secured)).toMatchObject({
      tls: {},
      sasl: { mechanism: 'scram-sha-512', username: 'annals', password: 'secret' },
      guarantee: 'at-least-once',
    });
    expect(await kafkaOf({ ...secured, ANNALS_KAFKA_CA_FILE: ca })).toMatchObject({ tls: { ca: 'PEM' } });
    await expect(kafkaOf({ ...secured, ANNALS_KAFKA_CA_FILE: join(folder, 'none') })).rejects.toThrow(
      'ENOENT',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('mistakes are told, half of a log-in among them', () => {
  expect(mistakes({ ...brokers, ANNALS_KAFKA_BROKERS: 'kafka' })).toEqual([
    'ANNALS_KAFKA_BROKERS: must be host:port',
  ]);
  expect(mistakes({ ...brokers, ANNALS_KAFKA_USERNAME: 'annals' })).toEqual([
    'ANNALS_KAFKA_SASL_MECHANISM: set this, ANNALS_KAFKA_USERNAME and ANNALS_KAFKA_PASSWORD, or none of them',
  ]);
});
