/** Reads of views together with how far they are: checkpoints first, then the data, on one connection. */

import { Problem } from '@annals/contracts/problems';
import type { Pool, PoolClient } from 'pg';
import type { Position } from '../event-store/port.ts';
import { comparePositions } from '../event-store/position.ts';
import type { Queryable, SharedConnections } from '../postgres/shared-connections.ts';
import type { KnownProgress } from './known-progress.ts';

/** A document of a view. */
export interface ViewKey {
  readonly view: string;
  readonly key: string;
}

/** What a read saw. */
export interface Seen<Data> {
  /** The log up to here is reflected, parked events aside. */
  readonly position: Position;
  /** How many documents of the views have parked events. */
  readonly parked: number;
  readonly outcome: PromiseSettledResult<Data>;
}

export interface CheckpointRow {
  readonly consumer: string;
  readonly position: Position;
  readonly through: Position;
  readonly isLive: boolean;
  readonly parked: number;
}

/** The checkpoints of those `views` that are there. */
export async function checkpoints(
  client: Queryable,
  views: readonly string[],
): Promise<readonly CheckpointRow[]> {
  const { rows } = await client.query<CheckpointRow>({
    name: 'checkpoints',
    text: `select consumer, position, through, is_live as "isLive",
        (select count(*)::integer from consumers.parked_keys p where p.consumer = c.consumer) as parked
      from consumers.checkpoints c where consumer = any ($1)`,
    values: [views],
  });
  return rows;
}

export interface CheckpointedRead<Data> {
  readonly pool: Pool;
  readonly known: KnownProgress;
  readonly views: readonly string[];
  readonly work: (client: Queryable) => Promise<Data>;
}

/** A connection's checkpoint reads that are not answered yet, by views. */
const underWay = new WeakMap<Queryable, Map<string, Promise<readonly CheckpointRow[]>>>();

/**
 * As {@link checkpoints}, on a connection that several use: who asks while an answer is on its way gets that one. It was
 * asked for earlier, so what is read from here on is no older.
 */
function sharedCheckpoints(
  connection: Queryable,
  views: readonly string[],
): Promise<readonly CheckpointRow[]> {
  const reads = underWay.get(connection) ?? new Map<string, Promise<readonly CheckpointRow[]>>();
  underWay.set(connection, reads);
  const key = views.join();
  const known = reads.get(key);
  if (known) return known;
  const read = checkpoints(connection, views).finally(() => reads.delete(key));
  reads.set(key, read);
  return read;
}

/** As {@link readOnce}, on connections that others use at the same time. `isUrgent`: to see the newest checkpoints. */
export async function readTogether<Data>(
  { known, views, work }: Omit<CheckpointedRead<Data>, 'pool'>,
  connections: SharedConnections,
  isUrgent: boolean,
): Promise<Seen<Data>> {
  const connection = await connections.take();
  const reading = isUrgent ? checkpoints(connection, views) : sharedCheckpoints(connection, views);
  const [rows, outcome] = await Promise.allSettled([reading, work(connection)]);
  if (rows.status === 'rejected') throw rows.reason;
  return { ...summarize(rows.value, known, views), outcome };
}

/** In one round trip: each statement sees at least what those before it saw, so the data is never behind. */
export async function readOnce<Data>({
  pool,
  known,
  views,
  work,
}: CheckpointedRead<Data>): Promise<Seen<Data>> {
  const client = await pool.connect();
  try {
    const [rows, outcome] = await Promise.allSettled([checkpoints(client, views), work(client)]);
    if (rows.status === 'rejected') throw rows.reason;
    return { ...summarize(rows.value, known, views), outcome };
  } finally {
    client.release();
  }
}

/**
 * As {@link readOnce}, in a snapshot, so that a repair cannot slip in between the data and the look at what is parked.
 * `isParked`: one of the `resources` lacks events at or before `minPosition`.
 */
export async function readInSnapshot<Data>(
  { pool, known, views, work }: CheckpointedRead<Data>,
  resources: (data: Data | undefined) => readonly ViewKey[],
  minPosition: Position,
): Promise<Seen<Data> & { readonly isParked: boolean }> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    // Before the snapshot is taken: so checkpoints and views are of the same generations.
    await client.query(`lock table ${views.map((view) => `views.${view}`).join(', ')} in access share mode`);
    const rows = await checkpoints(client, views);
    const [outcome] = await Promise.allSettled([work(client)]);
    const wanted = resources(outcome.status === 'fulfilled' ? outcome.value : undefined);
    // A statement that failed in `work` has ended the transaction; then that error is the answer.
    const isParked = await isAnyParked(client, wanted, minPosition).catch((error: unknown) => {
      throw outcome.status === 'rejected' ? outcome.reason : error;
    });
    return { ...summarize(rows, known, views), outcome, isParked };
  } finally {
    await client.query('rollback').then(
      () => client.release(),
      (broken: Error) => client.release(broken),
    );
  }
}

async function isAnyParked(
  client: PoolClient,
  wanted: readonly ViewKey[],
  minPosition: Position,
): Promise<boolean> {
  if (wanted.length === 0) return false;
  const { rowCount } = await client.query(
    `select from json_to_recordset($1) as r(view text, key text)
     join consumers.parked_keys p on p.consumer = r.view and p.key = r.key
     where p.first_position <= $2 limit 1`,
    [JSON.stringify(wanted), minPosition],
  );
  return rowCount !== 0;
}

function summarize(
  rows: readonly CheckpointRow[],
  known: KnownProgress,
  views: readonly string[],
): Omit<Seen<never>, 'outcome'> {
  const missing = views.filter((view) => !rows.some(({ consumer }) => consumer === view));
  if (missing.length > 0)
    throw new Problem('unavailable', `Not there yet: ${missing.join(', ')}`, { retryAfter: 1 });
  const positions = rows.map(({ consumer, position, through }) =>
    known.claimable(consumer, position, through),
  );
  return {
    position: positions.reduce((least, one) => (comparePositions(one, least) < 0 ? one : least)),
    parked: rows.reduce((sum, { parked }) => sum + parked, 0),
  };
}
