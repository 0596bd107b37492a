/** What is parked, for operators. */
import type { Pool } from 'pg';
import type { Position } from '../../event-store/port.ts';

/** A document that waits for a repair, with the event that it waits at. */
export interface ParkedDocument {
  readonly consumer: string;
  readonly key: string;
  /** The code of the error; never a payload. */
  readonly error: string;
  readonly position: Position;
  readonly stream: string;
  readonly revision: number;
  /** RFC 3339. */
  readonly parkedAt: string;
  /** Events that wait, this one included. */
  readonly events: number;
}

/** The longest parked first, `limit` at most; of `consumer` alone where it is given. */
export async function parkedDocuments(
  pool: Pool,
  { consumer = null, limit }: { readonly consumer?: string | null | undefined; readonly limit: number },
): Promise<readonly ParkedDocument[]> {
  const { rows } = await pool.query<Omit<ParkedDocument, 'parkedAt'> & { readonly parkedAt: Date }>(
    `select k.consumer, k.key, k.error, e.position, e.stream, e.revision, k.parked_at as "parkedAt", n.events
     from consumers.parked_keys k
     join consumers.parked_events e on e.consumer = k.consumer and e.key = k.key and e.position = k.first_position
     cross join lateral (
       select count(*)::int as events from consumers.parked_events a where a.consumer = k.consumer and a.key = k.key) n
     where $1::text is null or k.consumer = $1
     order by k.parked_at, k.consumer, k.key limit $2`,
    [consumer, limit],
  );
  return rows.map((row) => ({ ...row, parkedAt: row.parkedAt.toISOString() }));
}
