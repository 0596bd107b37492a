/** Reads of views together with how far they are: checkpoints first, then the data, on one connection. */

import { Problem } from '@annals/contracts/problems';
import type { Pool, PoolClient } from 'pg';
import type { Position } from '../event-store/port.ts';
import { comparePositions } from '../event-store/position.ts';
import type { Queryable, SharedConnections } from '../postgres/shared-connections.ts';
import type { CheckpointRow, DocumentStore, Documents, ViewKey } from '../read-store/documents.ts';
import { createPostgresDocuments } from '../read-store/postgres-documents.ts';
import { Basis } from './coherence.ts';
import type { KnownProgress } from './known-progress.ts';

/** What a read saw. */
export interface Seen<Data> {
  /** The log up to here is reflected, parked events aside. */
  readonly position: Position;
  /** How many documents of the views have parked events. */
  readonly parked: number;
  /** What it was read at; null where something is parked: repairs change documents and move no checkpoint. */
  readonly basis: Basis | null;
  readonly outcome: PromiseSettledResult<Data>;
}

/** The checkpoints of those `views` that are there. */
export async function checkpoints(
  client: Queryable,
  views: readonly string[],
): Promise<readonly CheckpointRow[]> {
  if (views.length === 0) return [];
  const { rows } = await client.query<CheckpointRow>({
    name: 'checkpoints',
    text: `select consumer, position, through, is_live as "isLive", epoch,
        (select count(*)::integer from consumers.parked_keys p where p.consumer = c.consumer) as parked
      from consumers.checkpoints c where consumer = any ($1)`,
    values: [views],
  });
  return rows;
}

/** Tells how far a reader may claim to see. */
export type Claims = Pick<KnownProgress, 'claimable'>;

export interface CheckpointedRead<Data> {
  readonly pool: Pool;
  readonly known: Claims;
  /** Where documents are, if not beside the rows. */
  readonly store?: DocumentStore | undefined;
  readonly views: readonly string[];
  readonly work: (client: Queryable, documents: Documents) => Promise<Data>;
}

/** What of a read is left once the checkpoints of documents elsewhere are known. */
interface RowsRead<Data> {
  readonly views: readonly string[];
  readonly work: (client: Queryable) => Promise<Data>;
  /** How far all views are, given how far those of rows are. */
  summarize(rows: readonly CheckpointRow[]): Omit<Seen<never>, 'outcome'>;
}

/** Runs `read` for the views of rows. Documents elsewhere come between their checkpoints and the answer. */
function besideDocuments<Data, Result>(
  { store, views, known, work }: Omit<CheckpointedRead<Data>, 'pool'>,
  read: (rows: RowsRead<Data>) => Promise<Result>,
): Promise<Result> {
  const elsewhere = store ? views.filter((view) => store.holds(view)) : [];
  if (!store || elsewhere.length === 0) {
    return read({
      views,
      work: (client) => work(client, createPostgresDocuments(client)),
      summarize: (rows) => summarize(rows, known, views),
    });
  }
  return store.read(elsewhere, (there, documents) =>
    read({
      views: views.filter((view) => !store.holds(view)),
      work: (client) => work(client, documents),
      summarize: (rows) => summarize([...there, ...rows], known, views),
    }),
  );
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
export function readTogether<Data>(
  read: Omit<CheckpointedRead<Data>, 'pool'>,
  connections: SharedConnections,
  isUrgent: boolean,
): Promise<Seen<Data>> {
  return besideDocuments(read, async ({ views, work, summarize }) => {
    const connection = await connections.take();
    const reading = isUrgent ? checkpoints(connection, views) : sharedCheckpoints(connection, views);
    const [rows, outcome] = await Promise.allSettled([reading, work(connection)]);
    if (rows.status === 'rejected') throw rows.reason;
    return { ...summarize(rows.value), outcome };
  });
}

/** In one round trip: each statement sees at least what those before it saw, so the data is never behind. */
export function readOnce<Data>(read: CheckpointedRead<Data>): Promise<Seen<Data>> {
  return besideDocuments(read, async ({ views, work, summarize }) => {
    const client = await read.pool.connect();
    try {
      const [rows, outcome] = await Promise.allSettled([checkpoints(client, views), work(client)]);
      if (rows.status === 'rejected') throw rows.reason;
      return { ...summarize(rows.value), outcome };
    } finally {
      client.release();
    }
  });
}

/** A read whose resources were looked up among what is parked. */
interface Whole<Data> extends Seen<Data> {
  /** One of the resources lacks events at or before the min position. */
  readonly isParked: boolean;
  readonly resources: readonly ViewKey[];
}

/** Reads of documents elsewhere whose resources keep changing. */
const ATTEMPTS = 3;

/**
 * As {@link readOnce}; a repair cannot slip in between the data and the look at what is parked. Rows are read in one
 * snapshot. Documents elsewhere are read after the look: again, where it is only known then which they are.
 */
export async function readWhole<Data>(
  read: CheckpointedRead<Data>,
  resources: (data: Data | undefined) => readonly ViewKey[],
  minPosition: Position,
): Promise<Whole<Data>> {
  const looked = new Set<string>();
  for (let attempt = 0; ; attempt++) {
    const whole = await readInSnapshot(read, resources, minPosition);
    const elsewhere = whole.resources.filter(
      ({ view, key }) => read.store?.holds(view) && !looked.has(`${view}/${key}`),
    );
    if (whole.isParked || elsewhere.length === 0) return whole;
    const isParked = attempt === ATTEMPTS || (await read.store?.isAnyParked(elsewhere, minPosition));
    if (isParked) return { ...whole, isParked };
    for (const { view, key } of elsewhere) looked.add(`${view}/${key}`);
  }
}

export function readInSnapshot<Data>(
  read: CheckpointedRead<Data>,
  resources: (data: Data | undefined) => readonly ViewKey[],
  minPosition: Position,
): Promise<Whole<Data>> {
  return besideDocuments(read, async ({ views, work, summarize }) => {
    const client = await read.pool.connect();
    try {
      await client.query('begin isolation level repeatable read read only');
      // Before the snapshot is taken: so checkpoints and views are of the same generations.
      const tables = views.map((view) => `views.${view}`).join(', ');
      if (tables !== '') await client.query(`lock table ${tables} in access share mode`);
      const rows = await checkpoints(client, views);
      const [outcome] = await Promise.allSettled([work(client)]);
      const wanted = resources(outcome.status === 'fulfilled' ? outcome.value : undefined);
      const here = wanted.filter(({ view }) => views.includes(view));
      // A statement that failed in `work` has ended the transaction; then that error is the answer.
      const isParked = await isAnyParked(client, here, minPosition).catch((error: unknown) => {
        throw outcome.status === 'rejected' ? outcome.reason : error;
      });
      return { ...summarize(rows), outcome, isParked, resources: wanted };
    } finally {
      await client.query('rollback').then(
        () => client.release(),
        (broken: Error) => client.release(broken),
      );
    }
  });
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
  known: Claims,
  views: readonly string[],
): Omit<Seen<never>, 'outcome'> {
  const missing = views.filter((view) => !rows.some(({ consumer }) => consumer === view));
  if (missing.length > 0)
    throw new Problem('unavailable', `Not there yet: ${missing.join(', ')}`, { retryAfter: 1 });
  const positions = rows.map(({ consumer, position, through }) =>
    known.claimable(consumer, position, through),
  );
  const position = positions.reduce((least, one) => (comparePositions(one, least) < 0 ? one : least));
  const parked = rows.reduce((sum, { parked }) => sum + parked, 0);
  return { position, parked, basis: parked === 0 ? new Basis(rows, position) : null };
}
