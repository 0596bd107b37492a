import { Problem } from '@annals/contracts/problems';
import { type ConsumerKit, counting, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createListener, type Listener } from '../postgres/listener.ts';
import { createPool } from '../postgres/pool.ts';
import {
  createSharedConnections,
  type Queryable,
  type SharedConnections,
} from '../postgres/shared-connections.ts';
import { createPostgresDocuments } from '../read-store/postgres-documents.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createFreshness, type Freshness } from './freshness.ts';
import { createProgress, PROGRESS_CHANNEL, type Progress } from './progress.ts';

const LONG_MS = 10_000;

let kit: ConsumerKit;
let pool: pg.Pool;
let shared: SharedConnections;
let listener: Listener;
let progress: Progress;
let freshness: Freshness;
beforeEach(async () => {
  kit = await openConsumerKit();
  pool = createPool({ url: kit.url, application: 'reader', pipeline: true });
  shared = createSharedConnections({ url: kit.url, application: 'reader' });
  listener = createListener({ url: kit.url, application: 'reader' });
  progress = createProgress({ pool: kit.pool, logger: createLogger({ service: 'test', level: 'silent' }) });
  freshness = createFreshness({ pool, shared, listener });
});
afterEach(async () => {
  await freshness.close();
  await listener.close();
  await pool.end();
  await shared.end();
  await kit.drop();
  await progress.close();
});

const counted = (id: string, by = 1) => ['Counted', { id, by }] as const;
const codeOf = (answer: Promise<unknown>) =>
  answer.then(
    () => 'an answer',
    (error: unknown) => (error instanceof Problem ? error.code : error),
  );

/** The count of a counter; throws not-found where it is not there. */
const countOf = (key: string) => async (client: Queryable) => {
  const found = await createPostgresDocuments(client).findByIds<{ count: number }>('counts_v1', [key]);
  const doc = found.get(key);
  if (!doc) throw new Problem('not-found', 'no such counter');
  return doc.count;
};
const read = (key: string, minPosition?: string, waitMs = LONG_MS) =>
  freshness.read(
    ['counts_v1'],
    { minPosition, waitMs, resources: () => [{ view: 'counts_v1', key }] },
    countOf(key),
  );

describe('a read', () => {
  test('that asks for a position waits until the views have got there', async () => {
    await kit.run('one', [counting()], { progress });
    for (let count = 1; count <= 20; count++) {
      const position = await kit.append(counted('a'));
      expect(await read('a', position)).toMatchObject({ data: count, position, parked: 0 });
    }
  });

  test('of a projection that the newest events do not concern answers a fresh position, unwritten as it is', async () => {
    await kit.run('one', [counting()], { progress, tickMs: LONG_MS });
    const first = await kit.append(counted('a'));
    await read('a', first);
    const position = await kit.append(['Heard', {}]);
    expect(await read('a', position)).toMatchObject({ data: 1, position });
    const { rows } = await kit.pool.query<{ position: string; through: string }>(
      'select position, through from consumers.checkpoints',
    );
    expect(rows).toEqual([{ position: first, through: first }]);
    expect(await read('a', position, 0)).toMatchObject({ data: 1, position });
  });

  test('counts what was persisted where nothing was heard', async () => {
    await kit.run('one', [counting()]);
    const position = await kit.append(counted('a'), ['Heard', {}]);
    await kit.caughtUp('counts_v1');
    expect(await read('a', position, 0)).toMatchObject({ data: 1, position });
  });

  test('claims the least of its views', async () => {
    await kit.run('one', [counting()], { progress });
    const first = await kit.append(counted('a'));
    await read('a', first);
    const ahead = await kit.run('two', [counting({ name: 'others' })], { progress });
    await kit.caughtUp('others_v1');
    await ahead.stop();
    const second = await kit.append(counted('a'));
    await read('a', second);
    const both = await freshness.read(['counts_v1', 'others_v1'], {}, async () => null);
    expect(both.position).toBe(first);
  });

  test.each([false, true])(
    'never claims more than it saw, while the view moves under it; quick: %s',
    async (isQuick) => {
      await kit.run('one', [counting()], { progress });
      const positions = [await kit.append(counted('a'))];
      await read('a', positions[0]);
      const writing = (async () => {
        for (let count = 0; count < 300; count++) positions.push(await kit.append(counted('a')));
      })();
      while (positions.length < 300) {
        const readNow = () => freshness.read(['counts_v1'], { isQuick }, countOf('a'));
        for (const { data, position } of await Promise.all([readNow(), readNow(), readNow()]))
          expect(data).toBeGreaterThanOrEqual(positions.indexOf(position) + 1);
      }
      await writing;
    },
  );

  test('does not take an announcement for what it read itself', async () => {
    await kit.run('one', [counting()]);
    const position = await kit.append(counted('a'));
    await kit.caughtUp('counts_v1');
    const [checkpoint, through] = [position.replace(/.$/, 'e'), position.replace(/.$/, 'f')];
    const heard = Promise.withResolvers<string>();
    await listener.listen(PROGRESS_CHANNEL, heard.resolve);
    await kit.pool.query('select pg_notify($1, $2)', [
      PROGRESS_CHANNEL,
      JSON.stringify([['counts_v1', checkpoint, through]]),
    ]);
    await heard.promise;
    expect(await read('a')).toMatchObject({ position });
    expect(await codeOf(read('a', through, 50))).toBe('projection-behind');
  });

  test('gives the work’s error only once the views have got there', async () => {
    const consumers = await kit.run('one', [counting()], { progress });
    await kit.caughtUp('counts_v1');
    await consumers.stop();
    const position = await kit.append(counted('new'));
    const answer = read('new', position);
    expect(await codeOf(read('new', position, 0))).toBe('projection-behind');
    await kit.run('two', [counting()], { progress });
    expect(await answer).toMatchObject({ data: 1 });
    expect(await codeOf(read('none', position))).toBe('not-found');
  });

  test('is refused where too many wait, and let go by its signal and at the end', async () => {
    await kit.run('one', [counting()]);
    const few = createFreshness({ pool, shared, listener, maxWaiting: 2 });
    const far = (await kit.events.head()).replace(/.$/, 'f');
    const aborting = new AbortController();
    const wait = (signal?: AbortSignal) =>
      codeOf(few.read(['counts_v1'], { minPosition: far, waitMs: LONG_MS, signal }, async () => null));
    const [waiting, aborted] = [wait(), wait(aborting.signal)];
    expect(await wait()).toBe('projection-behind');
    aborting.abort('gone');
    expect(await aborted).toBe('gone');
    await few.close();
    expect(await waiting).toBe('projection-behind');
  });

  test('of a view that is not there yet is unavailable', async () => {
    await kit.run('one', [counting()]);
    expect(await codeOf(freshness.read(['counts_v2'], {}, async () => null))).toBe('unavailable');
    expect(await freshness.areLive(['counts_v2'])).toBe(false);
    await kit.caughtUp('counts_v1');
    await eventually(async () => expect(await freshness.areLive(['counts_v1'])).toBe(true));
  });
});

describe('a read of parked events', () => {
  test('is refused for the resource alone, from the first of them on; lists say how many', async () => {
    const bad = new Set<string>();
    const onEvolve = (key: string) => {
      if (bad.has(key)) throw new RangeError('poison');
    };
    const consumers = await kit.run('one', [counting({ onEvolve })], { progress });
    const before = await kit.append(counted('a'), counted('b'));
    await kit.caughtUp('counts_v1');
    bad.add('a').add('new');
    const after = await kit.append(counted('a'), counted('new'), counted('b'));
    expect(await read('b', after)).toMatchObject({ data: 2, parked: 2 });
    expect(await read('a', before)).toMatchObject({ data: 1, position: after });
    expect(await read('a')).toMatchObject({ data: 1 });
    expect(await codeOf(read('a', after))).toBe('projection-parked');
    expect(await codeOf(read('new', after))).toBe('projection-parked');
    const list = await freshness.read(['counts_v1'], { minPosition: after }, async () => 'list');
    expect(list).toEqual({ data: 'list', position: after, parked: 2, basis: null });
    bad.clear();
    await consumers.request({ consumer: 'counts_v1', action: 'retry', key: 'a' });
    await eventually(async () => expect(await read('a', after)).toMatchObject({ data: 2, parked: 1 }));
  });
});
