/** `annals events tail`: the log, as it grows. */
import { catalogue } from '@annals/contracts/catalogue';
import type { DomainEvent } from '@annals/contracts/kit/event';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { type EventStoreConfig, openEventStore } from '@annals/platform/event-store/open';
import { type EventStore, type Position, UnknownPosition } from '@annals/platform/event-store/port';
import { createPool } from '@annals/platform/postgres/pool';
import type { KeyStore } from '@annals/platform/privacy/port';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { Command, Option } from 'commander';
import { callerEnvironment } from '../config.ts';
import { dataOption, eventLogOf, runningStack } from '../locate.ts';
import { Failure, type Output } from '../output.ts';
import { onSignals } from '../signals.ts';

interface TailOptions {
  readonly from?: string;
  readonly last: string;
  readonly type?: string[];
  readonly stream?: string;
  readonly follow: boolean;
  readonly personal?: boolean;
  readonly data: string;
  readonly database?: string;
  readonly eventstore?: string;
  readonly json?: boolean;
}

type Shown = Pick<DomainEvent, 'id' | 'stream' | 'revision' | 'position' | 'type' | 'data'> & {
  readonly metadata: unknown;
};

const APPLICATION = 'annals events tail';
/** In place of what is personal. */
const HIDDEN = '[personal]';

/** The command and its subcommands. */
export function eventsCommand(output: Output): Command {
  const tail = new Command('tail')
    .description('print events as they are appended, starting with the newest few; personal data is left out')
    .option('--from <position>', 'start after this position, or at "start"')
    .option('--last <count>', 'start with this many of the newest events', '10')
    .option('--type <type...>', 'only events of these types')
    .option('--stream <name>', 'only events of streams whose name starts like this')
    .option('--no-follow', 'end at the newest event')
    .option('--personal', 'decrypt personal data')
    .addOption(dataOption())
    .addOption(
      new Option(
        '--database <url>',
        'the log of a stack elsewhere; --personal then needs ANNALS_MASTER_KEY',
      ).env('ANNALS_DATABASE_URL'),
    )
    .addOption(
      new Option(
        '--eventstore <url>',
        'with --database: where that stack has its log, if not in the database',
      ).env('ANNALS_EVENTSTORE_URL'),
    )
    .option('--json', 'print one JSON object per event')
    .action((options: TailOptions) => follow(options, output));
  return new Command('events').description('look at the log').addCommand(tail);
}

async function follow(options: TailOptions, output: Output): Promise<void> {
  const { eventLog, masterKey } = await logOf(options);
  const unknown = options.type?.find((type) => !catalogue.has(type));
  if (unknown !== undefined) throw new Failure(`there is no event type ${unknown}`);
  const store = await openEventStore(eventLog, { application: APPLICATION });
  const pool = createPool({ url: eventLog.databaseUrl, application: APPLICATION, max: 2 });
  const aborter = new AbortController();
  void onSignals({ first: () => aborter.abort(), second: () => process.exit(130) });
  output.onUnread(() => aborter.abort());
  try {
    const openKeys = () => createPostgresKeyStore({ pool, masterKey });
    for await (const { events, caughtUp } of await subscribe(options, store, openKeys, aborter.signal)) {
      for (const event of events) show(event, options, output);
      if (caughtUp && !options.follow) break;
    }
  } catch (error) {
    if (error instanceof UnknownPosition) throw new Failure(`${options.from} is not a position of this log`);
    if (!aborter.signal.aborted) throw error;
  } finally {
    await store.close();
    await pool.end();
  }
}

async function logOf(options: TailOptions): Promise<{ eventLog: EventStoreConfig; masterKey: Buffer }> {
  if (options.database === undefined) {
    const { state, secrets } = await runningStack(options.data);
    return { eventLog: eventLogOf(state), masterKey: Buffer.from(secrets.masterKey, 'base64') };
  }
  const key = callerEnvironment().ANNALS_MASTER_KEY;
  if (options.personal && !key) throw new Failure('--personal needs ANNALS_MASTER_KEY in the environment');
  const eventLog = { databaseUrl: options.database, eventstoreUrl: options.eventstore };
  return { eventLog, masterKey: Buffer.from(key ?? '', 'base64') };
}

interface Batch {
  readonly events: readonly Shown[];
  readonly caughtUp: boolean;
}

/** Stored events are shown whatever this release knows of them; decrypting them takes its catalogue. */
async function subscribe(
  options: TailOptions,
  store: EventStore,
  openKeys: () => Promise<KeyStore>,
  signal: AbortSignal,
): Promise<AsyncIterable<Batch>> {
  const from = await startOf(options, store);
  const types = new Set(options.type ?? catalogue.keys());
  if (options.personal)
    return createEventLog({ store, catalogue, keys: await openKeys() }).subscribe({ from, types, signal });
  const batches = store.subscribe({ from, filter: ({ type }) => !options.type || types.has(type), signal });
  return (async function* () {
    for await (const { events, caughtUp } of batches) yield { events: events.map(withoutPersonal), caughtUp };
  })();
}

async function startOf({ from, last }: TailOptions, store: EventStore): Promise<Position | 'start'> {
  if (from !== undefined) return from;
  if (!/^\d{1,9}$/.test(last)) throw new Failure('--last must be a number');
  return store.beforeNewest(Number(last));
}

function withoutPersonal(event: Shown): Shown {
  const fields = catalogue.get(event.type)?.personalFields ?? [];
  const data = { ...(event.data as Record<string, unknown>) };
  for (const field of fields) if (data[field] !== undefined && data[field] !== null) data[field] = HIDDEN;
  return { ...event, data };
}

function show(event: Shown, { json, stream = '' }: TailOptions, output: Output): void {
  if (!event.stream.startsWith(stream)) return;
  if (json) {
    output.json(event);
    return;
  }
  const { occurredAt, actor } = event.metadata as {
    occurredAt?: string;
    actor?: { kind: string; id: string | null };
  };
  const by = [actor?.kind, actor?.id].filter(Boolean).join(' ');
  output.line(
    `${event.position} ${occurredAt} ${event.type} ${event.stream}@${event.revision} by ${by} ${short(event.data)}`,
  );
}

const MAX_VALUE = 80;

/** Long values, such as contents, are cut: --json has them whole. */
function short(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) =>
    typeof value === 'string' && value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value,
  );
}
