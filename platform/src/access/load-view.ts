/** A whole view for a follower to start from. */
import type { Pool } from 'pg';
import type { Position } from '../event-store/port.ts';

export interface LoadedView<Doc> {
  readonly entries: readonly (readonly [key: string, doc: Doc])[];
  /** The log up to here is reflected. */
  readonly through: Position;
}

interface Row<Doc> {
  readonly through: Position;
  readonly key: string | null;
  readonly doc: Doc | null;
}

/** Reads `view` (name and version) and how far it is in one statement. Throws where it is not there yet. */
export async function loadView<Doc>(pool: Pool, view: string): Promise<LoadedView<Doc>> {
  const { rows } = await pool.query<Row<Doc>>(
    `select c.through, v.key, v.doc from consumers.checkpoints c left join views.${view} v on true where c.consumer = $1`,
    [view],
  );
  const [first] = rows;
  if (!first) throw new Error(`${view} is not there yet`);
  return {
    entries: rows.flatMap(({ key, doc }) => (key === null || doc === null ? [] : [[key, doc] as const])),
    through: first.through,
  };
}
