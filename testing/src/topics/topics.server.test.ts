import { afterAll, beforeAll, describe } from 'vitest';
import { kafkaHome } from '../config.ts';
import { type KafkaServer, needsKafka, startKafka } from '../servers/kafka.ts';
import { crashTests } from './crashes.ts';
import { outageTests } from './outages.ts';
import { recordTests } from './records.ts';

describe.skipIf(kafkaHome === undefined)(`integration topics${needsKafka}`, () => {
  let kafka: KafkaServer;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka?.remove());

  describe('their records', () => recordTests(() => kafka));
  describe('when the relay dies', () => crashTests(() => kafka));
  describe('when Kafka fails', () => outageTests(() => kafka));
});
