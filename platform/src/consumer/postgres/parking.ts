/** Parked events and repair requests in PostgreSQL. */
import type { Pool, PoolClient } from 'pg';
import type { Position } from '../../event-store/port.ts';
import type {
  GenerationRequest,
  ParkedEvent,
  PendingRequest,
  Repair,
  RepairRequest,
  RequestStatus,
} from '../store.ts';

type Client = Pool | PoolClient;

/** What a statement that was sent will have done. */
type Sent = readonly Promise<unknown>[];

/** Queues events behind their keys, in one statement. The first one of a key says why. */
export function park(client: Client, consumer: string, events: readonly ParkedEvent[]): Sent {
  if (events.length === 0) return [];
  const parked = client.query(
    `with incoming as materialized (
       select * from json_to_recordset($2)
         as r(key text, stream text, revision integer, position text collate "C", error text)
     ), keys as (
       insert into consumers.parked_keys (consumer, key, first_position, error)
       select distinct on (key) $1, key, position, error from incoming where error is not null order by key, position
       on conflict do nothing
     )
     insert into consumers.parked_events (consumer, key, position, stream, revision, error)
     select $1, key, position, stream, revision, error from incoming`,
    [consumer, JSON.stringify(events)],
  );
  return [parked];
}

/** Notes a request's outcome and empties the queue that it was about. */
export function carryOut(client: Client, { request, outcome, unparked }: Repair): Sent {
  const noted = client.query(
    'update consumers.requests set outcome = $2, done_at = now() where id = $1 and outcome is null',
    [request.id, outcome],
  );
  if (unparked === undefined) return [noted];
  const emptied = client.query('delete from consumers.parked_keys where consumer = $1 and key = $2', [
    request.consumer,
    unparked,
  ]);
  return [noted, emptied];
}

/** See `ViewStore.parkedKeys`. */
export async function parkedKeys(client: Client, consumer: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ key: string }>(
    'select key from consumers.parked_keys where consumer = $1 order by key',
    [consumer],
  );
  return rows.map(({ key }) => key);
}

/** See `ViewStore.parkedEvents`. */
export async function parkedEvents(
  client: Client,
  consumer: string,
  key: string,
  after: Position | null,
  limit: number,
): Promise<readonly ParkedEvent[]> {
  const { rows } = await client.query<ParkedEvent>(
    `select key, stream, revision, position, error from consumers.parked_events
     where consumer = $1 and key = $2 and ($3::text is null or position > $3) order by position limit $4`,
    [consumer, key, after, limit],
  );
  return rows;
}

/** See `ConsumerStore.request`. */
export async function request(client: Client, asked: RepairRequest | GenerationRequest): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `with old as (delete from consumers.requests where done_at < now() - interval '1 day')
     insert into consumers.requests (consumer, action, key, position) values ($1, $2, $3, $4) returning id::text`,
    [
      asked.consumer,
      asked.action,
      'key' in asked ? asked.key : null,
      'position' in asked ? asked.position : null,
    ],
  );
  return rows[0]?.id ?? '';
}

/** See `ConsumerStore.pending`. */
export async function pending(
  client: Client,
  consumers: readonly string[],
): Promise<readonly PendingRequest[]> {
  const { rows } = await client.query<PendingRequest>(
    `select id::text, consumer, action, key, position from consumers.requests
     where outcome is null and (consumer = any ($1) or (action = 'drop' and not exists (
       select from consumers.candidates c where c.consumer = requests.consumer and seen_until > clock_timestamp())))
     order by id limit 100`,
    [consumers],
  );
  return rows;
}

/** See `ConsumerStore.requests`. */
export async function requests(client: Client): Promise<readonly RequestStatus[]> {
  const { rows } = await client.query<RequestStatus>(
    `select id::text, consumer, action, key, position, outcome, report from consumers.requests order by requests.id desc limit 100`,
  );
  return rows;
}
