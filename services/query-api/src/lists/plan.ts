/** From a list request to its one statement. */
import { type ListRequest, MAX_PAGE_DEPTH } from '@annals/contracts/kit/list';
import { type Cursor, decodeCursor, listIdentity } from './cursor.ts';
import type { ListSource, Order, SortKey } from './source.ts';
import { all, join, nothing, raw, type Sql, sql } from './sql.ts';

/** What the statement gives, as its one row: all that was found, which is one more than the page holds where more follow. */
export interface ListRow {
  /** The items as JSON texts, with {@link SEPARATOR} between them, in the answer's order, empty where they are left out; null where there are none. */
  readonly items: string | null;
  readonly found: number;
  /** True where more would follow, but for their weight. */
  readonly isCut: boolean;
  /** The sort keys of each as a JSON array, in the order scanned; null where the plan needs none. */
  readonly keys: readonly string[] | null;
  /** Of all rows; where it is not exact, at most one more than {@link MAX_PAGE_DEPTH}. Null where a cursor is used. */
  readonly count: number | null;
}

/** Between items: JSON takes it for a comma, and no JSON text of ours or of the server's holds it. */
export const SEPARATOR = ',\r\n';

/** How a request is answered. */
export interface ListPlan {
  readonly statement: Sql;
  /** What its cursors belong to. */
  readonly identity: string;
  /** Null for pages, and at the start of a cursor's walk. */
  readonly cursor: Cursor | null;
  /** False where counting stops at {@link MAX_PAGE_DEPTH}. */
  readonly isCountExact: boolean;
  /** True where an index gives the page, and little has to be skipped or counted on the way. */
  readonly isQuick: boolean;
  /** True where items may be left out. */
  readonly hasGaps: boolean;
}

interface Step extends SortKey {
  readonly descending: boolean;
}

/** Plans the answer of `request` for the list at `path`. Throws `invalid-cursor`. */
export function planList(path: string, request: ListRequest, source: ListSource): ListPlan {
  const order = request.sort.length > 0 ? request.sort : source.defaultOrder;
  const steps = stepsOf(source, order);
  const identity = listIdentity(path, request, order);
  const types = steps.map(({ type }) => type);
  const cursor = request.cursor === undefined ? null : decodeCursor(request.cursor, identity, types);
  const statement = statementOf(request, source, steps, cursor);
  const isCountExact = source.count !== undefined;
  const hasGaps = source.late !== undefined;
  return { statement, identity, cursor, isCountExact, isQuick: isQuick(request, source), hasGaps };
}

/** Octets that a page of heavy items holds at most, and one item more. */
const MAX_WEIGHT = 1024 * 1024;

/** Rows that a quick list may skip. */
const MAX_QUICK_OFFSET = 200;

function isQuick({ page, pageSize }: ListRequest, { isIndexed, count }: ListSource): boolean {
  if (!isIndexed) return false;
  return page === undefined || (count !== undefined && (page - 1) * pageSize <= MAX_QUICK_OFFSET);
}

/** True where the page after this one can only be reached by cursor. */
export function nextNeedsCursor({ page, pageSize }: ListRequest): boolean {
  return page === undefined || (page + 1) * pageSize > MAX_PAGE_DEPTH;
}

/** The steps of an order, made total by the unique key, which follows the last step's direction. */
function stepsOf(source: ListSource, order: readonly Order[]): readonly Step[] {
  const steps = order.map(({ field, descending }): Step => {
    const key = source.sort[field];
    if (!key) throw new Error(`the list has no sort key ${field}`);
    return { ...key, descending };
  });
  return [...steps, { value: source.key, type: 'text', descending: steps.at(-1)?.descending ?? false }];
}

/**
 * Numbers stand in the text: the planner must know how little is asked for. The rows come from an index in the order
 * that they are joined in, so that they are neither sorted nor numbered.
 */
function statementOf(
  request: ListRequest,
  source: ListSource,
  steps: readonly Step[],
  cursor: Cursor | null,
): Sql {
  const isBackwards = cursor?.direction === 'previous';
  const scan = isBackwards ? steps.map((step) => ({ ...step, descending: !step.descending })) : steps;
  const where = cursor ? [...source.where, beyond(scan, cursor.keys)] : source.where;
  const values = steps.map(({ value }, at) => sql`${value} as ${stepName(at)}`);
  const weight = source.weight ? [sql`${source.weight} as weight`] : [];
  const columns = join(
    [source.late ? sql`${source.key} as key` : source.columns, ...weight, ...values],
    ', ',
  );
  const found = sql`select ${columns} from ${source.from} where ${all(where)}
    order by ${orderOf(scan, ({ value }) => value)}`;
  const pageClause = sql`page as (${pageOf(source, found, scan, request)})`;
  const ordered = (some: readonly Step[]) => orderOf(some, (_, at) => sql`page.${stepName(at)}`);
  const keys =
    source.weight || nextNeedsCursor(request)
      ? sql`array_agg(${keysOf(steps)} order by ${ordered(scan)})`
      : raw('null');
  const count = request.page === undefined ? raw('null') : countOf(source);
  const isCut = raw(source.weight ? 'coalesce(max(page.scanned) > count(*), false)' : 'false');
  const item = source.late ? sql`coalesce(${source.item}, '')` : source.item;
  return sql`with ${join([...(source.with ?? []), pageClause], ', ')}
    select string_agg(${item}, e',\\r\\n' order by ${ordered(steps)}) as items,
      count(*)::integer as found, ${isCut} as "isCut", ${keys} as keys, ${count} as count
    from page ${source.joins ?? nothing}`;
}

/** The page's rows, of all that were `found` in this order. */
function pageOf(
  { branches, late, columns, weight }: ListSource,
  found: Sql,
  scan: readonly Step[],
  { page = 1, pageSize }: ListRequest,
): Sql {
  const offset = page > 1 ? raw(` offset ${(page - 1) * pageSize}`) : nothing;
  const limits = sql`limit ${raw(pageSize + 1)}${offset}`;
  if (branches) {
    return sql`select found.* from ${branches} cross join lateral (${found} limit ${raw(page * pageSize + 1)}) found
      order by ${orderOf(scan, (_, at) => sql`found.${stepName(at)}`)} ${limits}`;
  }
  if (weight) {
    const order = orderOf(scan, (_, at) => sql`one.${stepName(at)}`);
    return sql`select * from (
        select one.*, sum(one.weight) over (order by ${order}) - one.weight as ahead, count(*) over () as scanned
        from (${found} ${limits}) one
      ) weighed where ahead < ${raw(MAX_WEIGHT)}`;
  }
  if (!late) return sql`${found} ${limits}`;
  const steps = scan.map((_, at) => sql`picked.${stepName(at)}`);
  return sql`select ${columns}, ${join(steps, ', ')} from (${found} ${limits}) picked ${late}`;
}

/** As a JSON array of texts. */
function keysOf(steps: readonly Step[]): Sql {
  const texts = steps.map((_, at) => sql`page.${stepName(at)}::text`);
  return sql`to_json(array[${join(texts, ', ')}])::text`;
}

function stepName(at: number): Sql {
  return raw(`step_${at}`);
}

function orderOf(steps: readonly Step[], nameOf: (step: Step, at: number) => Sql): Sql {
  return join(
    steps.map((step, at) => (step.descending ? sql`${nameOf(step, at)} desc` : nameOf(step, at))),
    ', ',
  );
}

/** Counting stops where it no longer matters. */
function countOf(source: ListSource): Sql {
  if (source.count) return sql`(${source.count})::integer`;
  const cap = raw(MAX_PAGE_DEPTH + 1);
  const counted = source.counted ?? sql`${source.from} where ${all(source.where)}`;
  return sql`(select count(*)::integer from (select from ${counted} limit ${cap}) rows)`;
}

/** The rows that come after the one with `keys`. One comparison of rows where all steps go one way: an index serves it. */
function beyond(steps: readonly Step[], keys: readonly string[]): Sql {
  const values = steps.map(({ type }, at) => sql`${keys[at] ?? ''}::${raw(type)}`);
  const [first] = steps;
  if (first && steps.every(({ descending }) => descending === first.descending)) {
    const columns = steps.map(({ value }) => value);
    return sql`(${join(columns, ', ')}) ${comparison(first)} (${join(values, ', ')})`;
  }
  const after = (at: number): Sql => {
    const step = steps[at];
    const value = values[at];
    if (!step || !value) return raw('false');
    const isPast = sql`${step.value} ${comparison(step)} ${value}`;
    return at === steps.length - 1
      ? isPast
      : sql`(${isPast} or (${step.value} = ${value} and ${after(at + 1)}))`;
  };
  return after(0);
}

function comparison({ descending }: Step): Sql {
  return raw(descending ? '<' : '>');
}
