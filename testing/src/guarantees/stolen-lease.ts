/** Takes leases away from owners that are in the middle of a batch, and lets them go on afterwards. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replicaName } from '@annals/cli/local/layout';
import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import type pg from 'pg';
import { expect } from 'vitest';
import type { Armed } from '../faults/faults.ts';
import type { TestStack } from '../stack.ts';
import type { Checkpoint, Checkpoints } from './checkpoints.ts';

export interface Theft {
  readonly service: 'projector' | 'worker';
  readonly consumer: string;
  /** Where the owner is stopped. */
  readonly point: ConsumerFaultPoint;
  /** Makes an event that the consumer handles. */
  readonly provoke: () => Promise<unknown>;
  /** The thief has read the same batch and not committed it when the former owner goes on; else it is well ahead. */
  readonly isLevel: boolean;
}

const PATIENCE = { timeout: 60_000, interval: 50 };

/** Commits one theft, and expects that the former owner has learnt of it and moved nothing. */
export async function stealLease(stack: TestStack, checkpoints: Checkpoints, theft: Theft): Promise<void> {
  const { service, consumer, point, provoke, isLevel } = theft;
  const fault = { service, point, match: consumer, action: 'hold' } as const;
  const owner = stack.faults.arm(fault);
  await provoke();
  const { replica } = await owner.fired(60_000);
  const name = replicaName(service, replica);
  const before = await checkpoints.of(consumer);
  let thief: Armed | null = null;
  const losses = lossesOf(stack, name, consumer);
  stack.signal(name, 'SIGSTOP');
  try {
    if (isLevel) thief = stack.faults.arm({ ...fault, replica: 3 - replica });
    const epoch = async () => {
      await rollBackLeftovers(checkpoints.pool);
      return (await checkpoints.of(consumer)).epoch;
    };
    await expect.poll(epoch, PATIENCE).toBeGreaterThan(before.epoch);
    if (thief) await thief.fired(60_000);
    else await moveOn(checkpoints, consumer, before, provoke);
  } finally {
    owner.disarm();
    stack.signal(name, 'SIGCONT');
  }
  const taken = await checkpoints.of(consumer);
  await expect.poll(() => lossesOf(stack, name, consumer), PATIENCE).toBeGreaterThan(losses);
  const after = await checkpoints.of(consumer);
  if (isLevel) expect(after, `${consumer} after ${name} went on`).toEqual(taken);
  else expect(after.position >= taken.position, `${consumer} went back`).toBe(true);
  thief?.disarm();
}

/** The thief handles the batch, and one more. */
async function moveOn(
  checkpoints: Checkpoints,
  consumer: string,
  before: Checkpoint,
  provoke: Theft['provoke'],
): Promise<void> {
  const position = async () => (await checkpoints.of(consumer)).position;
  await expect.poll(async () => (await position()) > before.position, PATIENCE).toBe(true);
  const first = await position();
  await provoke();
  await expect.poll(async () => (await position()) > first, PATIENCE).toBe(true);
}

/** As the server does by itself with transactions of which nothing was heard for 30 s. */
async function rollBackLeftovers(pool: pg.Pool): Promise<void> {
  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction'
      and state_change < clock_timestamp() - interval '50 ms'`);
}

/** How often the process has said that the consumer is not its own any more. */
function lossesOf(stack: TestStack, name: string, consumer: string): number {
  const log = readFileSync(join(stack.dataFolder, 'logs', `${name}.log`), 'utf8');
  const tells = (line: string) =>
    line.includes(`"${consumer}"`) && /the lease is lost|failed for now/.test(line);
  return log.split('\n').filter(tells).length;
}
