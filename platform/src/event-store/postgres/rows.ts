/** How rows of `event_store.events` become events. */
import type { QueryArrayConfig } from 'pg';
import type { StoredEvent } from '../port.ts';
import { formatPosition } from '../position.ts';

/** The columns of {@link EventRow}, of a relation called `event`. */
export const COLUMNS =
  'event.position, event.stream, event.revision, event.id, event.type, event.data, event.metadata';

/** {@link COLUMNS} as the server sent them, text throughout, and what a statement selects after them. */
export type EventRow = readonly [
  position: string,
  stream: string,
  revision: string,
  id: string,
  type: string,
  data: string,
  metadata: string,
  ...others: string[],
];

/** A statement whose rows come as arrays of unparsed text, which is what replaying a log is fastest with. */
export function textQuery(name: string, text: string, values: unknown[]): QueryArrayConfig {
  return { name, text, values, rowMode: 'array', types: { getTypeParser: () => (value: string) => value } };
}

/** The event in a row. Throws SyntaxError where data or metadata is not JSON: somebody wrote past the store. */
export function toEvent(log: string, row: EventRow): StoredEvent {
  return {
    id: row[3],
    type: row[4],
    data: JSON.parse(row[5]),
    metadata: JSON.parse(row[6]),
    stream: row[1],
    revision: Number(row[2]),
    position: formatPosition(log, Number(row[0])),
  };
}
