import { randomUUID } from 'node:crypto';
import { buildCatalogue } from '@annals/contracts/catalogue';
import { defineAggregate, defineEvent } from '@annals/contracts/kit/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createEventLog } from '../event-log/event-log.ts';
import type { EventLog } from '../event-log/log.ts';
import { createMemoryEventStore } from '../event-store/memory.ts';
import { createMemoryKeyStore } from '../privacy/memory-keys.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type Follower, startFollower } from './follower.ts';

const logger = createLogger({ service: 'tested', level: 'silent' });
const catalogue = buildCatalogue([
  defineAggregate('counter', {
    CounterMoved: defineEvent({ version: 1, data: z.object({ by: z.number() }) }),
    CounterSeen: defineEvent({ version: 1, data: z.object({}) }),
  }),
]);

let log: EventLog;
let close: () => Promise<void>;
let follower: Follower | undefined;
beforeEach(() => {
  const store = createMemoryEventStore();
  log = createEventLog({ store, catalogue, keys: createMemoryKeyStore() });
  close = () => store.close();
});
afterEach(async () => {
  await follower?.stop();
  await close();
});

function append(type: string, data: unknown) {
  const commandId = randomUUID();
  const metadata = {
    ...{ commandId, correlationId: commandId, causationId: commandId },
    actor: { kind: 'system' as const, id: null },
    occurredAt: '2026-11-22T10:00:00.000Z',
  };
  return log.append('counter-1', [{ id: randomUUID(), type, data, metadata }], 'any');
}

/** Follows the sum of all moves; `load` gives a sum and its position. */
function followSum(
  options: {
    load?: () => Promise<{ sum: number; position: string }>;
    log?: Pick<EventLog, 'subscribe' | 'head'>;
    /** Called with an event's data before it is applied. */
    before?: (data: unknown) => void;
  } = {},
) {
  const state = { sum: 0 };
  follower = startFollower({
    log: options.log ?? log,
    types: new Set(['CounterMoved']),
    load: async () => {
      const loaded = await (options.load?.() ?? { sum: 0, position: await log.start() });
      state.sum = loaded.sum;
      return loaded.position;
    },
    apply: ({ data }) => {
      options.before?.(data);
      state.sum += (data as { by: number }).by;
    },
    logger,
  });
  return { state, follower };
}

/** For machines that are busy. */
const LATE = { timeout: 10_000 };
const headBroken = () => Promise.reject(new Error('no head'));

describe('a follower', () => {
  it('continues where the loaded view ends, and moves past events that it does not want', async () => {
    await append('CounterMoved', { by: 1 });
    const { position } = await append('CounterMoved', { by: 10 });
    await append('CounterMoved', { by: 100 });
    const { state, follower } = followSum({ load: () => Promise.resolve({ sum: 11, position }) });
    await follower.ready;
    expect(state.sum).toBe(111);
    const seen = await append('CounterSeen', {});
    await vi.waitFor(() => expect(follower.position).toBe(seen.position));
    await append('CounterMoved', { by: 1000 });
    await vi.waitFor(() => expect(state.sum).toBe(1111));
  });

  it('tries again until the view can be loaded', async () => {
    const load = vi.fn(async () => ({ sum: 5, position: await log.start() }));
    load.mockRejectedValueOnce(new Error('no such table'));
    const { state, follower } = followSum({ load });
    await follower.ready;
    expect(state.sum).toBe(5);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('goes on after a failed subscription, applying every event once', async () => {
    for (const by of [1, 10, 100]) await append('CounterMoved', { by });
    let failures = 0;
    const failing: Pick<EventLog, 'subscribe' | 'head'> = {
      head: log.head,
      async *subscribe(options) {
        for await (const batch of log.subscribe({ ...options, batchSize: 1 })) {
          yield batch;
          if (failures++ < 2) throw new Error('the connection is lost');
        }
      },
    };
    const { state, follower } = followSum({ log: failing });
    await follower.ready;
    expect(state.sum).toBe(111);
  });

  it('goes on within a batch, after the last event that it applied', async () => {
    for (const by of [1, 10, 100]) await append('CounterMoved', { by });
    const before = vi.fn();
    before.mockReturnValueOnce(undefined).mockImplementationOnce(() => {
      throw new Error('out of memory');
    });
    const { state, follower } = followSum({ before });
    await follower.ready;
    expect(state.sum).toBe(111);
  });

  it('is behind until it has caught up, and again while events are not delivered', async () => {
    let isStuck = false;
    const stuck: Pick<EventLog, 'subscribe' | 'head'> = {
      head: log.head,
      async *subscribe(options) {
        for await (const batch of log.subscribe(options)) {
          await vi.waitUntil(() => !isStuck, { timeout: 10_000 });
          yield batch;
        }
      },
    };
    const { follower } = followSum({ log: stuck });
    expect(follower.isBehind(600)).toBe(true);
    await vi.waitFor(() => expect(follower.isBehind(600)).toBe(false), LATE);
    isStuck = true;
    await append('CounterMoved', { by: 1 });
    await vi.waitFor(() => expect(follower.isBehind(600)).toBe(true), LATE);
    isStuck = false;
    await vi.waitFor(() => expect(follower.isBehind(600)).toBe(false), LATE);
  });

  it('stays current where nothing happens', async () => {
    const head = vi.fn(log.head);
    const { follower } = followSum({ log: { ...log, head } });
    await vi.waitFor(() => expect(head.mock.calls.length).toBeGreaterThan(3), LATE);
    await vi.waitFor(() => expect(follower.isBehind(600)).toBe(false), LATE);
  });

  it('knows no more than the log held when its head was asked for', async () => {
    const head = vi.fn(async () => {
      const [position, asked] = [await log.head(), performance.now()];
      await vi.waitUntil(() => performance.now() - asked > 400, LATE);
      return position;
    });
    const { follower } = followSum({ log: { ...log, head } });
    await vi.waitFor(() => expect(head).toHaveBeenCalledTimes(2), LATE);
    expect(follower.isBehind(60_000)).toBe(false);
    expect(follower.isBehind(400)).toBe(true);
  });

  it('counts as behind where the head can not be read', async () => {
    const { follower } = followSum({ log: { ...log, head: headBroken } });
    await follower.ready;
    expect(follower.isBehind(60_000)).toBe(true);
  });

  it('stops while it can not load, and lets go of who waits', async () => {
    const { follower } = followSum({ load: headBroken });
    await follower.stop();
    await follower.ready;
    expect(follower.position).toBeUndefined();
  });
});
