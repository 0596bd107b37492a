/** `annals status`: is everything up, and does everything keep up. */
import { comparePositions, parsePosition } from '@annals/platform/event-store/position';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { Command } from 'commander';
import { z } from 'zod';
import { askReadiness } from '../local/readiness.ts';
import type { RunState } from '../local/stack-lock.ts';
import { dataOption, runningStack } from '../locate.ts';
import { type Output, table } from '../output.ts';

interface ServiceHealth {
  readonly name: string;
  /** `ready`, or why not. */
  readonly state: string;
}

const consumer = z.object({
  consumer: z.string(),
  position: z.string(),
  through: z.string(),
  epoch: z.number(),
  owner: z.string().nullable(),
  leaseUntil: z.string().nullable(),
  isLive: z.boolean(),
  parkedKeys: z.number(),
  held: z.looseObject({ position: z.string(), error: z.string() }).nullable(),
});
type Consumer = z.infer<typeof consumer>;
const answer = z.looseObject({ consumers: z.array(consumer).optional() });

interface Status {
  readonly url: string;
  /** The position of the newest event. */
  readonly head: string;
  readonly services: readonly ServiceHealth[];
  /** `lag`: events that it has not handled yet. */
  readonly consumers: readonly (Consumer & { readonly lag: number })[];
}

/** The command; exits with 1 where a service is not ready or a consumer is held, parked or without an owner. */
export function statusCommand(output: Output): Command {
  return new Command('status')
    .description('services, and every consumer with position, lag and lease')
    .addOption(dataOption())
    .option('--json', 'print JSON')
    .action(async ({ data, json }: { data: string; json?: boolean }) => {
      const { state, secrets } = await runningStack(data);
      const status = await readStatus(state, secrets.operatorToken);
      if (json) output.json(status);
      else print(status, output);
      if (!isHealthy(status)) process.exitCode = 1;
    });
}

async function readStatus(state: RunState, operatorToken: string): Promise<Status> {
  const [services, consumers, head] = await Promise.all([
    Promise.all(state.services.map(healthOf)),
    readConsumers(state, operatorToken),
    readHead(state.databaseUrl),
  ]);
  const log = head.split('.', 1)[0] ?? '';
  const lagOf = ({ through }: Consumer) =>
    Math.max(0, parsePosition(log, head) - parsePosition(log, through));
  return {
    url: state.url,
    head,
    services,
    consumers: consumers.map((one) => ({ ...one, lag: lagOf(one) })),
  };
}

async function healthOf({ name, opsUrl }: RunState['services'][number]): Promise<ServiceHealth> {
  const readiness = await askReadiness(`${opsUrl}/health/ready`);
  return { name, state: readiness.isReady ? 'ready' : readiness.reason };
}

/** Each service tells of all consumers that share its database; of different answers the newest counts. */
async function readConsumers(state: RunState, operatorToken: string): Promise<Consumer[]> {
  const answers = await Promise.all(state.services.map(({ opsUrl }) => askConsumers(opsUrl, operatorToken)));
  const newest = new Map<string, Consumer>();
  for (const one of answers.flat()) {
    const seen = newest.get(one.consumer);
    if (!seen || comparePositions(seen.through, one.through) < 0) newest.set(one.consumer, one);
  }
  return [...newest.values()].sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
}

/** Empty for services without consumers and for those that are away: their state says so. */
async function askConsumers(opsUrl: string, operatorToken: string): Promise<Consumer[]> {
  try {
    const response = await fetch(`${opsUrl}/admin/status`, {
      headers: { authorization: `Bearer ${operatorToken}` },
      signal: AbortSignal.timeout(5_000),
    });
    return answer.parse(await response.json()).consumers ?? [];
  } catch {
    return [];
  }
}

async function readHead(databaseUrl: string): Promise<string> {
  const store = await createPostgresEventStore({ url: databaseUrl, application: 'annals status' });
  try {
    return await store.head();
  } finally {
    await store.close();
  }
}

function isHealthy({ services, consumers }: Status): boolean {
  return (
    services.every(({ state }) => state === 'ready') &&
    consumers.every(({ owner, parkedKeys, held }) => owner !== null && parkedKeys === 0 && held === null)
  );
}

function print({ url, head, services, consumers }: Status, output: Output): void {
  output.line(`${url}, log at ${head}\n`);
  for (const line of table([['service', 'state'], ...services.map(({ name, state }) => [name, state])]))
    output.line(line);
  output.line('');
  const rows = consumers.map((one) => [
    one.consumer,
    one.position,
    one.held ? `held at ${one.held.position}: ${one.held.error}` : String(one.lag),
    one.owner ?? 'nobody',
    one.leaseUntil ?? '',
    String(one.parkedKeys),
  ]);
  for (const line of table([['consumer', 'position', 'lag', 'lease of', 'until', 'parked'], ...rows]))
    output.line(line);
}
