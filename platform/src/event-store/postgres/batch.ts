/** The transaction of a batch of appends. */
import type { CorkedClient } from '../../postgres/corked-client.ts';
import type { EncodedEvent } from '../appends.ts';
import { CHANNEL } from './schema.ts';

/** One append of a batch. No two appends of a batch may be to the same stream. */
export interface BatchItem {
  readonly stream: string;
  readonly events: readonly EncodedEvent[];
  /** -1: no stream; null: any. */
  readonly expected: number | null;
  /** It was tried before and the outcome is not known. */
  readonly isRetry: boolean;
}

/** What became of an append. */
export type Outcome =
  | { readonly kind: 'appended'; readonly revision: number; readonly position: number }
  /** Its first event is in the stream already, at `revision`: maybe it was appended before. */
  | { readonly kind: 'found'; readonly revision: number; readonly actual: number }
  /** `actual`: -1 where there is no stream. */
  | { readonly kind: 'conflict'; readonly actual: number };

/**
 * Locks the head. By itself: in READ COMMITTED a statement sees what was committed before it *began*, so a statement
 * that waits for this lock would then look at the log as it was before its turn.
 */
const LOCK = 'select head from event_store.log for update';

/**
 * Checks and inserts all appends that hold, moves the head and announces where it is now. `$1` appends, `$2` their events. An append that does
 * not hold, or may be a repetition, inserts nothing.
 */
const APPEND = `
  with requested as materialized (
    select request.*, coalesce((
      select event.revision from event_store.events event
      where event.stream = request.stream order by event.revision desc limit 1
    ), -1) as actual
    from json_to_recordset($1::json)
      as request (item int, stream text, expected int, size int, first_id uuid, is_retry boolean)
  ),
  judged as materialized (
    select *,
      case
        when expected is not null and expected < actual then (
          select event.revision from event_store.events event
          where event.stream = requested.stream and event.revision = requested.expected + 1
            and event.id = requested.first_id
        )
        when expected is null and is_retry then (
          select event.revision from event_store.events event
          where event.stream = requested.stream and event.id = requested.first_id
          order by event.revision limit 1
        )
      end as found
    from requested
  ),
  inserted as (
    insert into event_store.events (position, stream, revision, id, type, data, metadata)
    select (select head from event_store.log) + row_number() over (order by judged.item, event.number),
      judged.stream, judged.actual + 1 + event.number, event.id, event.type, event.data, event.metadata
    from judged
    join json_to_recordset($2::json)
      as event (item int, number int, id uuid, type text, data text, metadata text)
      on event.item = judged.item
    where judged.found is null and coalesce(judged.expected, judged.actual) = judged.actual
    returning stream, revision, position
  ),
  moved as (
    update event_store.log set head = head + (select count(*) from inserted)
    where exists (select from inserted)
    returning pg_notify('${CHANNEL}', head::text)
  )
  select judged.item, judged.actual, judged.found, inserted.position
  from judged
  left join inserted
    on inserted.stream = judged.stream and inserted.revision = judged.actual + judged.size
`;

/** The statements of a batch, between `begin` and `commit`, as they are sent. */
export const appendStatements = {
  lock: { name: 'event_store_lock', text: LOCK },
  append: { name: 'event_store_append', text: APPEND },
};

interface Row {
  readonly item: number;
  readonly actual: number;
  readonly found: number | null;
  readonly position: string | null;
}

/**
 * Appends a batch in one transaction, sent without waiting for answers. Where it throws, nothing was appended, unless
 * the connection was lost: then nobody knows. Every statement has been answered when this settles.
 */
export async function appendBatch(connection: CorkedClient, items: readonly BatchItem[]): Promise<Outcome[]> {
  const answers = await Promise.allSettled(
    connection.atOnce((client) => [
      client.query('begin'),
      client.query(appendStatements.lock),
      client.query<Row>({ ...appendStatements.append, values: parameters(items) }),
      client.query('commit'),
    ]),
  );
  // The first failure is the cause; it fails the statements after it.
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  const rows = answers[2].status === 'fulfilled' ? answers[2].value.rows : [];
  return outcomes(items, rows);
}

function parameters(items: readonly BatchItem[]): [string, string] {
  const requests = items.map(({ stream, events, expected, isRetry }, item) => ({
    item,
    stream,
    expected,
    size: events.length,
    first_id: events[0]?.id,
    is_retry: isRetry,
  }));
  const events = items.flatMap((item, index) =>
    item.events.map((event, number) => ({ item: index, number, ...event })),
  );
  return [JSON.stringify(requests), JSON.stringify(events)];
}

function outcomes(items: readonly BatchItem[], rows: readonly Row[]): Outcome[] {
  const byItem = new Map(rows.map((row) => [row.item, row]));
  return items.map((item, index) => {
    const row = byItem.get(index);
    if (!row) throw new Error('the server did not judge every append of the batch');
    const { actual, found, position } = row;
    if (position !== null) {
      return { kind: 'appended', revision: actual + item.events.length, position: Number(position) };
    }
    return found === null ? { kind: 'conflict', actual } : { kind: 'found', revision: found, actual };
  });
}
