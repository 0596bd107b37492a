/** A table in memory that a projected view fills and the log keeps. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Pool } from 'pg';
import { viewName } from '../consumer/projection.ts';
import type { Position } from '../event-store/port.ts';
import type { FollowerFaults } from './faults.ts';
import { type Follower, type FollowerOptions, startFollower } from './follower.ts';

/** What is kept: filled with the whole view once, then one event after the other. */
export interface FollowedTable<Doc> {
  load(entries: Iterable<readonly [key: string, doc: Doc]>): void;
  apply(event: DomainEvent): void;
}

export interface FollowedView<Table> {
  readonly table: Table;
  readonly follower: Follower;
}

/** Fills `table` from `view` and follows the log from there; tried again until it succeeds. */
export function followView<Doc, Table extends FollowedTable<Doc>>({
  view,
  table,
  pool,
  faults,
  ...options
}: Pick<FollowerOptions, 'log' | 'types' | 'logger'> & {
  readonly view: { readonly name: string; readonly version: number };
  readonly table: Table & FollowedTable<Doc>;
  readonly pool: Pool;
  readonly faults?: FollowerFaults | undefined;
}): FollowedView<Table> {
  const follower = startFollower({
    ...options,
    async load() {
      const { entries, through } = await readView<Doc>(pool, viewName(view));
      table.load(entries);
      return through;
    },
    apply: (event) => table.apply(event),
    onBatch: faults && (() => faults('following', view.name)),
  });
  return { table, follower };
}

interface Row<Doc> {
  readonly through: Position;
  readonly key: string | null;
  readonly doc: Doc | null;
}

/** The view and how far it is, in one statement. Throws where it is not there yet. */
async function readView<Doc>(pool: Pool, view: string) {
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
