/** Waiting for the views to reach the head of a log that was filled past the services. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestStack } from '@annals/testing/stack';
import { withClient } from '../kit/postgres.ts';

const POLL_MS = 500;

interface Progress {
  readonly late: number;
  /** Events that the latest view has folded. */
  readonly folded: number;
  readonly head: number;
}

/** Waits until all consumers that fold this log are at its head; says how far the last one is. */
export async function settled({ databaseUrl }: TestStack, say: (text: string) => void): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    for (;;) {
      const { rows } = await client.query<Progress>(PROGRESS);
      const [progress] = rows;
      if (progress?.late === 0) return;
      say(`views: the last one is at ${progress?.folded ?? 0} of ${progress?.head ?? 0} events`);
      await sleep(POLL_MS);
    }
  });
  await withClient(databaseUrl, async (client) => {
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
}

/** Positions are the log's id and the number of the event in hexadecimal, of one width. */
const PROGRESS = `
  select count(*) filter (where through < log.id || '.' || lpad(to_hex(log.head), 16, '0'))::integer as late,
    coalesce(min(('x' || split_part(through, '.', 2))::bit(64)::bigint), 0)::integer as folded, log.head::integer as head
  from event_store.log, (
    select greatest(position, through) as through from consumers.checkpoints where consumer like '%\\_v%'
  ) checkpoint
  group by log.head, log.id`;
