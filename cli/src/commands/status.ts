/** `annals status`: is everything up, and does everything keep up. */
import { viewOf } from '@annals/platform/consumer/projection';
import { type EventStoreConfig, openEventStore } from '@annals/platform/event-store/open';
import { comparePositions, parsePosition } from '@annals/platform/event-store/position';
import { Command } from 'commander';
import { z } from 'zod';
import { askReadiness } from '../local/readiness.ts';
import { dataOption, type Operated, operated, opsOption } from '../locate.ts';
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
  /** The position of the newest event; null where it is not known where the log is, or the log is away. */
  readonly head: string | null;
  readonly services: readonly ServiceHealth[];
  /** `lag`: events that it has not handled yet; null where the head is not known, or the log does not count events. */
  readonly consumers: readonly (Consumer & { readonly lag: number | null })[];
}

/** The command; exits with 1 where a service is not ready or a consumer is held, parked or without an owner. */
export function statusCommand(output: Output): Command {
  return new Command('status')
    .description('services, and every consumer with position, lag and lease')
    .addOption(dataOption())
    .addOption(opsOption())
    .option('--json', 'print JSON')
    .action(async (options: { data: string; ops?: string[]; json?: boolean }) => {
      const status = await readStatus(await operated(options), output);
      if (options.json) output.json(status);
      else print(status, output);
      if (!isHealthy(status)) process.exitCode = 1;
    });
}

async function readStatus(target: Operated, output: Output): Promise<Status> {
  // By itself and first: loading the client of a log takes long, and those who are asked meanwhile would seem silent.
  const head = target.eventLog === null ? null : await readHead(target.eventLog, output);
  const [services, consumers] = await Promise.all([
    Promise.all(target.services.map(healthOf)),
    readConsumers(target),
  ]);
  const isCounted = target.eventLog?.eventstoreUrl === undefined;
  return {
    head,
    services,
    consumers: consumers.map((one) => ({ ...one, lag: lagOf(one, head, isCounted) })),
  };
}

/** Positions of a log in PostgreSQL count its events; others only tell whether some are left. */
function lagOf({ through }: Consumer, head: string | null, isCounted: boolean): number | null {
  if (head === null) return null;
  if (through >= head) return 0;
  if (!isCounted) return null;
  const log = head.split('.', 1)[0] ?? '';
  return parsePosition(log, head) - parsePosition(log, through);
}

async function healthOf({ name, opsUrl }: Operated['services'][number]): Promise<ServiceHealth> {
  const readiness = await askReadiness(`${opsUrl}/health/ready`);
  return { name, state: readiness.isReady ? 'ready' : readiness.reason };
}

/** Each service tells of all consumers that share its database; of different answers the newest of one that runs counts. */
async function readConsumers({ services, operatorToken }: Operated): Promise<Consumer[]> {
  const answers = await Promise.all(services.map(({ opsUrl }) => askConsumers(opsUrl, operatorToken)));
  const newest = new Map<string, Consumer>();
  for (const one of answers.flat()) {
    const seen = newest.get(one.consumer);
    if (!seen || isNewer(one, seen)) newest.set(one.consumer, one);
  }
  return [...newest.values()].sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
}

/** Views that moved to another store are told of twice: nobody runs them where they were. */
function isNewer(one: Consumer, seen: Consumer): boolean {
  if ((one.owner === null) !== (seen.owner === null)) return seen.owner === null;
  return comparePositions(seen.through, one.through) < 0;
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

/** Null, with a note, where the log is away: the services are then all the more of interest. */
async function readHead(eventLog: EventStoreConfig, output: Output): Promise<string | null> {
  try {
    const store = await openEventStore(eventLog, { application: 'annals status' });
    return await store.head().finally(() => store.close());
  } catch (error) {
    output.note(`The log cannot be read: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

function isHealthy({ services, consumers }: Status): boolean {
  return (
    services.every(({ state }) => state === 'ready') &&
    consumers.every(
      (one) =>
        (one.owner !== null || isReplaced(one, consumers)) && one.parkedKeys === 0 && one.held === null,
    )
  );
}

/** An old version needs no owner once another one is live and folded. */
function isReplaced({ consumer }: Consumer, all: readonly Consumer[]): boolean {
  const nameOf = (view: string) => viewOf(view).replace(/_v\d+$/, '');
  const isAnother = (other: string) =>
    nameOf(other) === nameOf(consumer) && viewOf(other) !== viewOf(consumer);
  return all.some((other) => isAnother(other.consumer) && other.isLive && other.owner !== null);
}

function print({ head, services, consumers }: Status, output: Output): void {
  if (head !== null) output.line(`The log is at ${head}.\n`);
  for (const line of table([['service', 'state'], ...services.map(({ name, state }) => [name, state])]))
    output.line(line);
  output.line('');
  const rows = consumers.map((one) => [
    one.consumer,
    one.position,
    one.held ? `held at ${one.held.position}: ${one.held.error}` : String(one.lag ?? '?'),
    one.owner ?? 'nobody',
    one.leaseUntil ?? '',
    String(one.parkedKeys),
  ]);
  for (const line of table([['consumer', 'position', 'lag', 'lease of', 'until', 'parked'], ...rows]))
    output.line(line);
}
