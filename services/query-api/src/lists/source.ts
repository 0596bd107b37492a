/** What a list is made of. Handlers say it; the list kit pages, counts, sorts and serialises. */
import type { View } from '../views.ts';
import type { Sql } from './sql.ts';

/** How a sort key's values travel in cursors. */
export type SortType = 'text' | 'integer' | 'bigint' | 'real' | 'timestamptz';

/** A value to sort by. Never null. */
export interface SortKey {
  readonly value: Sql;
  readonly type: SortType;
}

/** One step of an order. */
export interface Order {
  readonly field: string;
  readonly descending: boolean;
}

/** A list for one caller, filtered, not yet paged. */
export interface ListSource {
  /** Views that it reads, joined ones included: all count for the minimum position. */
  readonly views: readonly View[];
  /** `with` clauses that `from` needs, each `name as (…)`. */
  readonly with?: readonly Sql[];
  /**
   * Rows that each have a part of the list: `from` and `where` may name them. An index should give each part in any
   * order. Needs a `count`.
   */
  readonly branches?: Sql;
  /** The rows: tables, joins. */
  readonly from: Sql;
  readonly where: readonly Sql[];
  /** Unique among the rows: the last sort key, and what makes cursors exact. */
  readonly key: Sql;
  readonly sort: Readonly<Record<string, SortKey>>;
  /** Where the request names no order. */
  readonly defaultOrder: readonly Order[];
  /**
   * Outer joins to `picked (key)`, the page's rows: where they have columns that are not needed to find them. `columns` then
   * are of these joins. A row that they have nothing for is left out of the page, which is shorter then.
   */
  readonly late?: Sql;
  /** Columns of `from` that `item` and `joins` need; there they belong to `page`. */
  readonly columns: Sql;
  /**
   * How many octets an item is about, from `from`, where items can be large: a page ends early before it gets too heavy.
   * Not with `branches` or `late`.
   */
  readonly weight?: Sql;
  /** Joins to `page`, at most one row each. */
  readonly joins?: Sql;
  /** The item as JSON text, from `page` and `joins`. */
  readonly item: Sql;
  /** True where an index gives the rows in whatever order, with next to none that `where` then leaves out. */
  readonly isIndexed?: boolean;
  /** Where it depends on the time: until when it is the same, in milliseconds since 1970. */
  readonly until?: number;
  /** The number of all rows, where it is kept or cheap. Without it, counted up to 10,000. */
  readonly count?: Sql;
  /** `from … where …`, without the `from`: rows that are as many and cheaper to count. */
  readonly counted?: Sql;
}
