import { setTimeout as sleep } from 'node:timers/promises';
import { viewName } from '@annals/platform/consumer/projection';
import { createPool } from '@annals/platform/postgres/pool';
import { projections } from '@annals/projector/projections';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../stack.ts';
import { unlimited } from '../tuning.ts';
import { counts } from './counts.ts';
import { startLoad } from './load.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { report } from './report.ts';

const NUMBER = 20;
const REPLICAS = counts(2, 3);
const ROUNDS = counts(1, 5);
const TAKEN_OVER_MS = 10_000;
const views = projections.map(viewName);
const projectors = Array.from({ length: REPLICAS }, (_, at) =>
  at === 0 ? 'projector' : `projector-${at + 1}`,
);

let stack: TestStack;
let pool: pg.Pool;

beforeAll(async () => {
  // As in production: leases as long as they are there.
  stack = await startTestStack({ replicas: REPLICAS, tuning: unlimited });
  pool = createPool({ url: stack.databaseUrl, application: 'guarantees', max: 2 });
});
afterAll(async () => {
  await pool?.end();
  await stack?.stop();
});

/** Who holds the lease of each view; null where nobody does, or no longer. */
async function owners(): Promise<ReadonlyMap<string, string | null>> {
  const { rows } = await pool.query<{ consumer: string; owner: string | null }>(
    `select consumer, case when lease_until > clock_timestamp() then owner end as owner
     from consumers.checkpoints where consumer = any ($1)`,
    [views],
  );
  return new Map(rows.map(({ consumer, owner }) => [consumer, owner]));
}

const shares = async () => new Set((await owners()).values());

it('a killed replica’s projections are taken over within 10 s', async () => {
  let longest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of projectors.slice(0, counts(1, REPLICAS))) {
      await expect.poll(async () => (await shares()).size, { timeout: 60_000 }).toBe(REPLICAS);
      const before = await owners();
      const load = await startLoad({ baseUrl: stack.url, writers: 1 });
      const victim = stack.pids()[name];
      stack.signal(name, 'SIGKILL');
      const since = performance.now();
      const isTakenOver = async () => {
        const now = await owners();
        const gone = [...before.values()].filter((owner) => ![...now.values()].includes(owner));
        return gone.length > 0 && [...now.values()].every((owner) => owner !== null);
      };
      await expect.poll(isTakenOver, { timeout: 2 * TAKEN_OVER_MS, interval: 50 }).toBe(true);
      const tookMs = performance.now() - since;
      expect(tookMs).toBeLessThan(TAKEN_OVER_MS);
      longest = Math.max(longest, tookMs);
      await load.more(1);
      await load.stop();
      await stack.restarted(name, victim ?? 0);
    }
  }
  report(NUMBER, { replicas: REPLICAS, 'longest takeover': `${(longest / 1_000).toFixed(1)} s` });
});

/** Keeps every move of a checkpoint that was committed, in order. */
async function recordMoves(): Promise<void> {
  await pool.query(`
    create table consumers.moves (n bigint generated always as identity, consumer text, "from" text, "to" text, epoch integer);
    create function consumers.record_move() returns trigger language plpgsql as $$
      begin
        insert into consumers.moves (consumer, "from", "to", epoch)
        values (new.consumer, old.position, new.position, new.epoch);
        return null;
      end $$;
    create trigger record_move after update of position on consumers.checkpoints
      for each row when (old.position <> new.position) execute function consumers.record_move()`);
}

/** As a Prometheus that scrapes what is no projector knows it. */
async function unowned(): Promise<readonly string[]> {
  const texts = await Promise.all(
    (['worker', 'query-api'] as const).map(async (service) =>
      (await fetch(`${stack.opsUrl(service)}/metrics`)).text(),
    ),
  );
  const found = texts.join('\n').matchAll(/^annals_consumer_unowned\{.*?consumer="(\w+)".*\} 1$/gm);
  return [...found].map(([, name]) => name ?? '');
}

it('a projection nobody owns shows in a metric, and two replicas never both apply a batch', async () => {
  await recordMoves();
  const load = await startLoad({ baseUrl: stack.url, writers: 2 });
  for (let round = 0; round < ROUNDS; round++) {
    await expect.poll(async () => (await shares()).size, { timeout: 60_000 }).toBe(REPLICAS);
    await expect.poll(unowned, { timeout: 60_000 }).toEqual([]);
    // One after the other stops in the middle of its work, and all go on believing what they believed.
    for (const name of projectors) {
      stack.signal(name, 'SIGSTOP');
      if (name !== projectors.at(-1)) await sleep(TAKEN_OVER_MS);
    }
    const missing = async () => views.filter((view) => !reported.includes(view));
    let reported: readonly string[] = [];
    await expect
      .poll(
        async () => {
          reported = await unowned();
          return missing();
        },
        { timeout: 2 * TAKEN_OVER_MS, interval: 100 },
      )
      .toEqual([]);
    for (const name of projectors) stack.signal(name, 'SIGCONT');
    await load.more(20);
  }
  await load.stop();
  const rows = await expectViewsAsRebuilt(stack);
  const { rows: broken } = await pool.query(`
    select * from (select *, lag("to") over (partition by consumer order by n) as before from consumers.moves) m
    where before <> "from"`);
  expect(broken).toEqual([]);
  const { rows: epochs } = await pool.query<{ n: number }>(
    'select count(distinct (consumer, epoch))::integer as n from consumers.moves',
  );
  expect(epochs[0]?.n).toBeGreaterThan(views.length);
  report(NUMBER, {
    'terms compared': epochs[0]?.n ?? 0,
    commands: load.ledger.length,
    'rows compared': rows,
  });
});
