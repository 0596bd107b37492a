import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { counts } from '../guarantees/counts.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import { kill, openTopicWorld, RELAYS, type TopicWorld } from './kit.ts';

const POINTS: readonly ConsumerFaultPoint[] = ['read', 'sent', 'written', 'committed'];

/** The relay dies at every point, and owners come back. */
export function crashTests(kafka: () => KafkaServer): void {
  let world: TopicWorld;
  beforeEach(async () => {
    world = await openTopicWorld(kafka().broker);
  });
  afterEach(() => world?.drop());

  test(
    'no event is skipped or doubled in Kafka when the relay is killed again and again, and records of one key stay in order',
    async () => {
      const kills = counts(4, 50);
      const stop = world.load();
      for (let n = 0; n < kills; n++) {
        // One at each point where it hurts; of the others every second at any moment.
        const isAtPoint = n < POINTS.length || n % 2 === 0;
        const dieAt = { point: POINTS[n % POINTS.length] ?? 'read', nth: (n % 3) + 1 };
        const child = await world.start(isAtPoint ? { dieAt } : {});
        await Promise.race([once(child, 'exit'), sleep(isAtPoint ? 20_000 : 300 + Math.random() * 1_200)]);
        await kill(child);
      }
      await stop();
      await world.start();
      await world.relayed();
      const { found: ids, expected } = await world.found(kafka().client);
      expect(Object.keys(expected).length).toBeGreaterThan(kills * 10);
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
      const { found: ids, expected } = await world.found(kafka().client);
      expect(ids).toEqual(expected);
    },
  );
}
