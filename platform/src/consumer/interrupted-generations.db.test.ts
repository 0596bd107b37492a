import { type ConsumerKit, counting, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { done, outcomeOf, statusIn } from './generations.fixture.ts';
import { deathTests } from './interrupted-generations.fixture.ts';
import type { Consumers } from './runtime.ts';

const VIEW = 'counts_v1';
const BESIDE = 'counts_v1_beside';

let kit: ConsumerKit;
beforeEach(async () => {
  kit = await openConsumerKit();
});
afterEach(() => kit.drop());

const statusOf = (consumer: string) => statusIn(kit, consumer);

describe('a rebuild that is held', () => {
  test.each([VIEW, BESIDE])('ends with the drop of %s', async (name) => {
    let isBad = false;
    const projection = counting({
      onKeys: () => {
        if (isBad) throw new RangeError('no keys');
      },
    });
    const consumers = await kit.run('one', [projection]);
    await kit.append(['Counted', { id: 'a', by: 1 }]);
    await kit.caughtUp(VIEW);
    isBad = true;
    const rebuild = await consumers.request({ consumer: VIEW, action: 'rebuild' });
    await eventually(async () => expect((await statusOf(BESIDE))?.held?.error).toBe('RangeError'));

    expect((await done(consumers, 'drop', name)).outcome).toBe('dropped');
    expect((await outcomeOf(consumers, rebuild)).outcome).toBe('it was dropped meanwhile');
    expect(await statusOf(BESIDE)).toBeUndefined();
    expect(await statusOf(VIEW)).toMatchObject({ generation: 1, held: null });
    isBad = false;
    expect((await done(consumers, 'rebuild')).outcome).toBe('switched');
  });
});

describe('the drop of a version', () => {
  /** A version that nobody folds any more, and two processes that run the next one. */
  const replaced = async () => {
    const old = await kit.run('old', [counting()]);
    await kit.append(['Counted', { id: 'a', by: 1 }]);
    await kit.caughtUp(VIEW);
    await old.stop();
    const consumers = await kit.run('new', [counting({ version: 2 })]);
    await kit.run('also new', [counting({ version: 2 })]);
    await eventually(async () => expect(await kit.store.outdated(0)).toEqual([VIEW]));
    return consumers;
  };
  /** Refused where the next version shows no sign of life for a moment, as on a busy machine. */
  const dropped = (consumers: Consumers) =>
    eventually(async () => expect((await done(consumers, 'drop', VIEW)).outcome).toBe('dropped'));

  test('is done once, by whichever of those who are asked comes first', async () => {
    await dropped(await replaced());
    await expect(kit.texts(VIEW)).rejects.toThrow('does not exist');
  });

  test('goes on where whoever began it has died before the table went', async () => {
    const consumers = await replaced();
    await kit.pool.query('delete from consumers.checkpoints where consumer = $1', [VIEW]);
    await dropped(consumers);
    await expect(kit.texts(VIEW)).rejects.toThrow('does not exist');
  });
});

deathTests(() => ({ kit, store: kit.store, projection: counting() }));
