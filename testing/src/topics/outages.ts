import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '@annals/projector/app';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isProving } from '../config.ts';
import { counts } from '../guarantees/counts.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import { kill, openTopicWorld, type TopicWorld } from './kit.ts';

/** Kafka dies, is away, or slow. */
export function outageTests(kafka: () => KafkaServer): void {
  let world: TopicWorld;
  beforeEach(async () => {
    world = await openTopicWorld(kafka().broker);
  });
  afterEach(() => world?.drop());

  test(
    'an outage of Kafka delays and loses nothing',
    async () => {
      // Longer than every timeout and lease when proving, and the relay is killed meanwhile.
      const outages = counts([1_000], [60_000, 75_000]);
      let child = await world.start();
      for (const [index, ms] of outages.entries()) {
        const stop = world.load();
        await sleep(500);
        await kafka().stop();
        await sleep(ms / 2);
        if (index > 0 || !isProving) {
          await kill(child);
          child = await world.start();
        }
        await sleep(ms / 2);
        await kafka().start();
        await stop();
        await world.relayed();
      }
      const { found: ids, expected } = await world.found(kafka().client);
      expect(Object.keys(ids).length).toBeGreaterThan(10);
      expect(ids).toEqual(expected);
    },
    counts(120_000, 600_000),
  );

  test(
    'the broker killed with -9 and back, again and again under load: nothing lost, out of order per key, or doubled for a read-committed reader',
    async () => {
      await world.start();
      const stop = world.load();
      for (let n = 0; n < counts(2, 20); n++) {
        await sleep(200 + Math.random() * 800);
        await kafka().kill();
        await kafka().start();
      }
      await stop();
      await world.relayed();
      const { found: ids, expected } = await world.found(kafka().client);
      expect(ids).toEqual(expected);
    },
    counts(120_000, 900_000),
  );

  test('a Kafka that is slow or away stops no view, and no projector from starting and stopping', async () => {
    const app = createApp({ ...world.config, masterKey: world.masterKey }, { tickMs: 100 });
    kafka().pause();
    try {
      await app.start();
      await vi.waitFor(
        async () => expect((await fetch(`${app.addresses.ops}/health/ready`)).status).toBe(200),
        { timeout: 20_000, interval: 50 },
      );
      const id = await world.article();
      await vi.waitFor(
        async () => {
          const { rowCount } = await world.pool.query('select from views.article_list_v4 where key = $1', [
            id,
          ]);
          expect(rowCount).toBe(1);
        },
        { timeout: 10_000, interval: 50 },
      );
      const before = performance.now();
      await app.stop();
      expect(performance.now() - before).toBeLessThan(10_000);
    } finally {
      kafka().resume();
      await app.stop();
    }
  });

  test('at least once: an outage loses nothing, and what comes twice is told by its id', async () => {
    const config = { ...world.config, kafkaDelivery: 'at-least-once' as const };
    const child = await world.start({ config });
    const stop = world.load();
    await sleep(500);
    await (isProving ? kafka().kill() : kafka().pause());
    await sleep(1_000);
    await (isProving ? kafka().start() : kafka().resume());
    await kill(child);
    await world.start({ config });
    await stop();
    await world.relayed();
    const { found: ids, expected } = await world.found(kafka().client);
    const once = Object.entries(ids).map(([key, all]) => [key, [...new Set(all)]] as const);
    expect(Object.fromEntries(once)).toEqual(expected);
  });
}
