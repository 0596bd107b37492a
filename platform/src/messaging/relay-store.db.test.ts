import type { TopicRecord } from '@annals/contracts/kit/topic';
import { type ConsumerKit, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPostgresReactionStore } from '../consumer/postgres/store.ts';
import { type ReactionConsumer, TemporarilyUnavailable } from '../consumer/reaction.ts';
import type { Consumers } from '../consumer/runtime.ts';
import type { Position } from '../event-store/port.ts';
import { createLogger } from '../telemetry/logger.ts';
import type { Delivery } from './delivery.ts';
import { RecordRefused } from './kafka.ts';
import { createRelayStore } from './relay-store.ts';

const RELAY = 'relay_v1';
const logger = createLogger({ service: 'test', level: 'silent' });

/** Stands in for a topic that takes a batch and its checkpoint in one. */
class Topic implements Delivery {
  records: string[] = [];
  checkpoint: Position | null = null;
  /** Called when a batch is in the topic, before anybody is told. */
  onTaken: () => void = () => {};
  /** Called before a batch is taken. */
  onDeliver: (records: readonly TopicRecord[]) => void = () => {};

  async begin(): Promise<Position | null> {
    return this.checkpoint;
  }
  async deliver(_relay: string, records: readonly TopicRecord[], position: Position): Promise<void> {
    this.onDeliver(records);
    this.records.push(...records.map(({ key }) => key));
    this.checkpoint = position;
    this.onTaken();
  }
  async end(): Promise<void> {}
  async close(): Promise<void> {}
}

let kit: ConsumerKit;
let topic: Topic;
beforeEach(async () => {
  kit = await openConsumerKit();
  topic = new Topic();
});
afterEach(() => kit.drop());

const counted = (id: string) => ['Counted', { id, by: 1 }] as const;

function relay(isReplayable = true): ReactionConsumer<readonly TopicRecord[]> {
  return {
    ...{ kind: 'reaction', name: 'relay', version: 1, handles: new Set(['Counted']), isReplayable },
    handle: async (events) =>
      events.map(({ data }) => ({
        ...{ topic: 'counts', key: (data as { id: string }).id, value: '{}', headers: {} },
      })),
  };
}

function run(consumer = relay()): Promise<Consumers> {
  const base = createPostgresReactionStore({ pool: kit.pool });
  const store = createRelayStore({ base, delivery: topic, log: kit.log, logger });
  return kit.run('one', [], { store, consumers: [consumer] } as never);
}

describe('a relay', () => {
  test('goes on where the topic says that it is, whatever came of the answer', async () => {
    let failures = 1;
    topic.onTaken = () => {
      if (failures-- > 0) throw new TemporarilyUnavailable('the answer got lost');
    };
    await run();
    await kit.append(counted('a'), counted('b'));
    await kit.caughtUp(RELAY);
    expect(topic.records).toEqual(['a', 'b']);
  });

  test('goes on where the topic says after PostgreSQL lost its last commits, and sends again what the topic lost', async () => {
    const first = await run();
    const before = await kit.append(counted('a'));
    await kit.caughtUp(RELAY);
    await kit.append(counted('b'));
    await kit.caughtUp(RELAY);
    await first.stop();
    await kit.pool.query('update consumers.checkpoints set position = $1, through = $1', [before]);
    const second = await run();
    await kit.caughtUp(RELAY);
    expect(topic.records).toEqual(['a', 'b']);
    await second.stop();
    topic.records.pop();
    topic.checkpoint = before;
    await run();
    await eventually(() => expect(topic.records).toEqual(['a', 'b']));
  });

  test('takes no notice of a checkpoint of another log', async () => {
    topic.checkpoint = 'otherlog.0000000000000009';
    await kit.append(counted('a'));
    await run();
    await kit.caughtUp(RELAY);
    expect(topic.records).toEqual(['a']);
  });

  test('publishes again what follows a position, and shows that it is behind until it has', async () => {
    const from = await kit.append(counted('a'));
    const last = await kit.append(counted('b'), counted('c'));
    const consumers = await run();
    await kit.caughtUp(RELAY);
    const through = async () => (await consumers.status())[0]?.through ?? '';
    let isAway = true;
    topic.onDeliver = (records) => {
      if (isAway && records.length > 0) throw new TemporarilyUnavailable('away');
    };
    await consumers.request({ consumer: RELAY, action: 'replay', position: from });
    await eventually(async () => expect(await through()).toBe(from));
    isAway = false;
    await eventually(() => expect(topic.records).toEqual(['a', 'b', 'c', 'b', 'c']));
    await eventually(async () => expect(await through()).toBe(last));
    expect((await consumers.requests())[0]?.outcome).toBe('replaying');
    expect(topic.checkpoint).toBe(last);
  });

  test('a consumer that may not be replayed is not', async () => {
    const from = await kit.log.start();
    await kit.append(counted('a'));
    const consumers = await run(relay(false));
    await kit.caughtUp(RELAY);
    await consumers.request({ consumer: RELAY, action: 'replay', position: from });
    await eventually(async () =>
      expect((await consumers.requests())[0]?.outcome).toBe('a reaction has no view and parks nothing'),
    );
    await kit.append(counted('b'));
    await kit.caughtUp(RELAY);
    expect(topic.records).toEqual(['a', 'b']);
  });

  test('is held at the record that the topic refuses, after those before it', async () => {
    topic.onDeliver = (records) => {
      if (records.some(({ key }) => key === 'large')) throw new RecordRefused('MESSAGE_TOO_LARGE', undefined);
    };
    await kit.append(counted('a'));
    const position = await kit.append(counted('large'));
    await kit.append(counted('b'));
    const consumers = await run();
    await eventually(async () =>
      expect((await consumers.status())[0]?.held).toEqual({ position, error: 'MESSAGE_TOO_LARGE' }),
    );
    expect(topic.records).toEqual(['a']);
    await consumers.request({ consumer: RELAY, action: 'skip', position });
    await kit.caughtUp(RELAY);
    expect(topic.records).toEqual(['a', 'b']);
  });
});
