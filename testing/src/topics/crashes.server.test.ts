import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { kafkaHome } from '../config.ts';
import { counts } from '../guarantees/counts.ts';
import { type KafkaServer, needsKafka, startKafka } from '../servers/kafka.ts';
import {
  EVENT_TOPICS,
  idsByKey,
  idsOf,
  kill,
  openTopicWorld,
  RELAYS,
  readTopics,
  type TopicWorld,
} from './kit.ts';

const POINTS: readonly ConsumerFaultPoint[] = ['read', 'sent', 'written', 'committed'];

describe.skipIf(kafkaHome === undefined)(`the relay to Kafka dies${needsKafka}`, () => {
  let kafka: KafkaServer;
  let world: TopicWorld;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka?.remove());
  beforeEach(async () => {
    world = await openTopicWorld(kafka.broker);
  });
  afterEach(() => world?.drop());

  /** Appends until told to stop: bursts, so that batches of all sizes come about. */
  function load() {
    const stopping = new AbortController();
    const appending = (async () => {
      for (let n = 0; !stopping.signal.aborted; n++) {
        await Promise.all(Array.from({ length: (n % 7) + 1 }, (_, edits) => world.article(edits)));
        await sleep(n % 5);
      }
    })();
    return async () => {
      stopping.abort();
      await appending;
    };
  }

  /** What a reader of committed records finds of this world's events: those of earlier tests have other ids. */
  async function found() {
    const expected = await world.expected();
    const own = new Set(expected.map(([, id]) => id));
    const records = (await readTopics(kafka.client, EVENT_TOPICS)).filter(({ headers }) =>
      own.has(headers.ce_id ?? ''),
    );
    return { records, found: idsOf(records), expected: idsByKey(expected) };
  }

  test(
    'no event is skipped or doubled in Kafka when the relay is killed again and again, and records of one key stay in order',
    async () => {
      const kills = counts(4, 50);
      const stop = load();
      for (let n = 0; n < kills; n++) {
        const point = POINTS[n % POINTS.length] ?? 'read';
        // Half of them die at a point where it hurts, half at any moment.
        const dieAt = { point, nth: (n % 3) + 1 };
        const child = await world.start(n % 2 === 0 ? { dieAt } : {});
        await Promise.race([once(child, 'exit'), sleep(n % 2 === 0 ? 20_000 : 300 + Math.random() * 1_200)]);
        await kill(child);
      }
      await stop();
      await world.start();
      await world.relayed();
      const { records, found: ids, expected } = await found();
      expect(records.length).toBeGreaterThan(kills * 10);
      expect(ids).toEqual(expected);
    },
    counts(120_000, 900_000),
  );

  test.each(['performed', 'sent'] as const)(
    'a former owner that comes back is put out, and doubles nothing (%s)',
    async (point) => {
      for (let n = 0; n < 5; n++) await world.article(n);
      const holdAt = { point, relay: RELAYS[0] ?? '' };
      const former = await world.start({ holdAt });
      former.kill('SIGSTOP');
      await world.start();
      await world.relayed();
      // Its lease is over; Kafka alone is left to refuse what it had in hand.
      former.kill('SIGCONT');
      former.send('go on');
      await sleep(1_000);
      await world.article();
      await world.relayed();
      const { found: ids, expected } = await found();
      expect(ids).toEqual(expected);
    },
  );
});
