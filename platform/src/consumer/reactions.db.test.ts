import { type ConsumerKit, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPostgresReactionStore } from './postgres/store.ts';
import type { ReactionConsumer } from './reaction.ts';
import type { Consumers } from './runtime.ts';

let kit: ConsumerKit;
beforeEach(async () => {
  kit = await openConsumerKit();
  await kit.pool.query('create table jobs (event uuid primary key, id text)');
});
afterEach(() => kit.drop());

const counted = (id: string) => ['Counted', { id, by: 1 }] as const;

/** Writes one job per event. */
function addJobs(onEvent: (id: string) => void = () => {}, last = ''): ReactionConsumer {
  return {
    kind: 'reaction',
    name: 'jobs',
    version: 1,
    handles: new Set(['Counted']),
    handle: async (events) => {
      const jobs = events.map(({ id: event, data }) => ({ event, id: (data as { id: string }).id }));
      for (const { id } of jobs) onEvent(id);
      return async (client) => {
        const added = `insert into jobs select * from json_to_recordset($1) as r(event uuid, id text)`;
        await client.query(added, [JSON.stringify(jobs)]);
        if (last !== '') await client.query(last);
      };
    },
  };
}

function run(reaction: ReactionConsumer): Promise<Consumers> {
  return kit.run('one', [], {
    store: createPostgresReactionStore({ pool: kit.pool }),
    consumers: [reaction],
  });
}

async function jobs(): Promise<readonly string[]> {
  const { rows } = await kit.pool.query<{ id: string }>('select id from jobs order by id');
  return rows.map(({ id }) => id);
}

describe('a reaction', () => {
  test('leaves each event’s effects once, over restarts', async () => {
    const first = await run(addJobs());
    await kit.append(counted('a'), ['Removed', { id: 'x' }], counted('b'));
    await kit.caughtUp('jobs_v1');
    await first.stop();
    await kit.append(counted('c'));
    await run(addJobs());
    await kit.caughtUp('jobs_v1');
    expect(await jobs()).toEqual(['a', 'b', 'c']);
  });

  test('leaves no effects where its transaction fails, and does not move on', async () => {
    const consumers = await run(addJobs(undefined, 'select 1 / 0'));
    await kit.append(counted('a'));
    await eventually(async () =>
      expect((await consumers.status())[0]?.held).toMatchObject({ error: '22012' }),
    );
    expect(await jobs()).toEqual([]);
    await consumers.stop();
    await run(addJobs());
    await kit.caughtUp('jobs_v1');
    expect(await jobs()).toEqual(['a']);
  });

  test('is held at the event that it throws for, after the effects of those before it', async () => {
    const onEvent = (id: string) => {
      if (id === 'bad') throw new TypeError('cannot');
    };
    await kit.append(counted('a'), counted('b'));
    const position = await kit.append(counted('bad'));
    await kit.append(counted('c'));
    const consumers = await run(addJobs(onEvent));
    await eventually(async () =>
      expect((await consumers.status())[0]?.held).toEqual({ position, error: 'TypeError' }),
    );
    expect(await jobs()).toEqual(['a', 'b']);
    await consumers.request({ consumer: 'jobs_v1', action: 'skip', position });
    await kit.caughtUp('jobs_v1');
    expect(await jobs()).toEqual(['a', 'b', 'c']);
  });
});
