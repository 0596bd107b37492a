import { setTimeout as sleep } from 'node:timers/promises';
import { type ConsumerKit, counting, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';

const VIEW = 'counts_v1';

let kit: ConsumerKit;
beforeEach(async () => {
  kit = await openConsumerKit();
});
afterEach(() => kit.drop());

/** Keeps every move of a checkpoint that was committed, in order. */
async function recordMoves(): Promise<() => Promise<readonly { from: string; to: string; epoch: number }[]>> {
  await kit.pool.query(`
    create table consumers.moves (n bigint generated always as identity, consumer text, "from" text, "to" text, epoch integer);
    create function consumers.record_move() returns trigger language plpgsql as $$
      begin
        insert into consumers.moves (consumer, "from", "to", epoch)
        values (new.consumer, old.position, new.position, new.epoch);
        return null;
      end $$;
    create trigger record_move after update of position on consumers.checkpoints
      for each row when (old.position <> new.position) execute function consumers.record_move()`);
  return async () =>
    (
      await kit.pool.query('select "from", "to", epoch from consumers.moves where consumer = $1 order by n', [
        VIEW,
      ])
    ).rows;
}

test('two replicas never both apply a batch, however late they learn that the lease was taken over', async () => {
  await kit.store.prepare([], await kit.log.start());
  const moves = await recordMoves();
  // Each believes that it is alone, and that whoever holds the lease is gone.
  await kit.pool.query(`
    create function consumers.forget() returns trigger language plpgsql as $$
      begin new.seen_until = now() - interval '1 s'; return new; end $$;
    create trigger forget before insert or update on consumers.candidates
      for each row execute function consumers.forget();
    create function consumers.run_out() returns trigger language plpgsql as $$
      begin new.lease_until = now() - interval '1 s'; return new; end $$;
    create trigger run_out before update on consumers.checkpoints for each row execute function consumers.run_out()`);
  const faults = async (point: string) => {
    if (point === 'read' && Math.random() < 0.3) await sleep(80);
  };
  const batches = {
    ...kit.log,
    subscribe: (of: Parameters<typeof kit.log.subscribe>[0]) => kit.log.subscribe({ ...of, batchSize: 5 }),
  };
  for (const owner of ['one', 'two', 'three'])
    await kit.run(owner, [counting()], { tickMs: 50, faults, log: batches });
  const ids = Array.from({ length: 150 }, (_, at) => `c${at % 7}`);
  for (const id of ids) await kit.append(['Counted', { id, by: 1 }]);
  await kit.caughtUp(VIEW);

  const made = await moves();
  for (const [index, { from }] of made.entries()) {
    expect(from).toBe(index === 0 ? await kit.log.start() : made[index - 1]?.to);
  }
  expect(new Set(made.map(({ epoch }) => epoch)).size).toBeGreaterThan(3);
  const counts = [...(await kit.texts(VIEW)).values()].map((text) => JSON.parse(text) as { count: number });
  expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(ids.length);
});

test('a projection that nobody owns shows in the metrics of whoever shares the database', async () => {
  const metrics = new Registry();
  const unowned = async () => {
    const values = (await metrics.getSingleMetric('annals_consumer_unowned')?.get())?.values ?? [];
    return Object.fromEntries(values.map(({ labels, value }) => [labels.consumer, value]));
  };
  await kit.run('other', [counting({ name: 'others' })], { metrics });
  const own = await kit.run('own', [counting()]);
  await kit.caughtUp(VIEW, 'others_v1');
  await eventually(async () => expect(await unowned()).toEqual({ [VIEW]: 0, others_v1: 0 }));
  await own.stop();
  await eventually(async () => expect(await unowned()).toEqual({ [VIEW]: 1, others_v1: 0 }));
  // Another version has taken its place: nobody has to own it any more.
  await kit.run('new', [counting({ version: 2 })]);
  await eventually(async () => expect(await unowned()).toEqual({ [VIEW]: 0, counts_v2: 0, others_v1: 0 }));
  await kit.store.drop(VIEW, 0);
  await eventually(async () => expect(await unowned()).toEqual({ counts_v2: 0, others_v1: 0 }));
});

test('who has lost a lease tells no more of what only its holder knows', async () => {
  const metrics = new Registry();
  const told = async () => {
    const names = ['annals_consumer_owned', 'annals_consumer_held', 'annals_consumer_lag_seconds'];
    const found = await Promise.all(names.map(async (name) => metrics.getSingleMetric(name)?.get()));
    return found.map((one) => one?.values.map(({ value }) => value));
  };
  const onKeys = (id: string) => {
    if (id === 'bad') throw new Error('no key');
  };
  await kit.run('one', [counting({ onKeys })], { metrics });
  await kit.append(['Counted', { id: 'good', by: 1 }]);
  await kit.caughtUp(VIEW);
  await kit.append(['Counted', { id: 'bad', by: 1 }]);
  await eventually(async () => expect(await told()).toEqual([[1], [1], [0]]));
  await kit.pool.query(
    `update consumers.checkpoints
     set owner = 'another', epoch = epoch + 1, lease_until = now() + interval '1 hour' where consumer = $1`,
    [VIEW],
  );
  await eventually(async () => expect(await told()).toEqual([[0], [0], []]));
});
