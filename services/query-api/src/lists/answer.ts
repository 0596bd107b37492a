/** The body of a list: its items as they came, its count, and the ways on from here. */
import { type ListRequest, MAX_PAGE_DEPTH } from '@annals/contracts/kit/list';
import { encodeCursor } from './cursor.ts';
import { type ListPlan, type ListRow, nextNeedsCursor, SEPARATOR } from './plan.ts';
import { pickFromItems } from './sparse.ts';

/** What was asked. */
export interface Asked {
  /** What clients see before the path. */
  readonly publicUrl: string;
  /** Path and query as the client wrote them. */
  readonly url: string;
  readonly query: ListRequest;
}

/** The answer's body as JSON text. */
export function listBody(asked: Asked, plan: ListPlan, row: ListRow): string {
  const items = pickFromItems(itemsOf(asked, plan, row), asked.query);
  const { next, previous } = linksOf(asked, plan, row);
  return `{"results":[${items}],${countOf(plan, row)}"next":${JSON.stringify(next)},"previous":${JSON.stringify(previous)}}`;
}

/** Without the one beyond the page, which the scan found last. */
function itemsOf({ query }: Asked, { cursor, hasGaps }: ListPlan, { items, found }: ListRow): string {
  if (items === null) return '';
  const page = found <= query.pageSize ? items : cut(items, cursor?.direction === 'previous');
  return hasGaps ? withoutGaps(page) : page;
}

function cut(items: string, isFirst: boolean): string {
  return isFirst
    ? items.slice(items.indexOf(SEPARATOR) + SEPARATOR.length)
    : items.slice(0, items.lastIndexOf(SEPARATOR));
}

function withoutGaps(items: string): string {
  return items
    .split(SEPARATOR)
    .filter((item) => item !== '')
    .join(SEPARATOR);
}

function countOf(plan: ListPlan, { count }: ListRow): string {
  if (count === null) return '';
  const isCapped = !plan.isCountExact && count > MAX_PAGE_DEPTH;
  return isCapped ? `"count":${MAX_PAGE_DEPTH},"countIsCapped":true,` : `"count":${count},`;
}

interface Links {
  readonly next: string | null;
  readonly previous: string | null;
}

function linksOf(asked: Asked, plan: ListPlan, row: ListRow): Links {
  const { page, pageSize } = asked.query;
  const more = row.found > pageSize || row.isCut;
  const keysAt = (index: number): readonly string[] | null => {
    const keys = row.keys?.[index];
    return keys === undefined ? null : (JSON.parse(keys) as string[]);
  };
  const first = () => keysAt(0);
  const last = () => keysAt(Math.min(row.found, pageSize) - 1);
  const byCursor = (direction: 'next' | 'previous', keys: readonly string[] | null) =>
    keys && linkTo(asked, { cursor: encodeCursor(plan.identity, { direction, keys }) });
  if (page !== undefined) {
    const onward = () =>
      row.isCut || nextNeedsCursor(asked.query)
        ? byCursor('next', last())
        : linkTo(asked, { page: page + 1 });
    return {
      next: more ? onward() : null,
      previous: page > 1 ? linkTo(asked, { page: page - 1 }) : null,
    };
  }
  // Scanning backwards, what comes first in the answer was scanned last; where we came from there are rows.
  if (plan.cursor?.direction === 'previous') {
    return { next: byCursor('next', first()), previous: more ? byCursor('previous', last()) : null };
  }
  return {
    next: more ? byCursor('next', last()) : null,
    previous: plan.cursor ? byCursor('previous', first()) : null,
  };
}

/** The same list elsewhere: every other parameter stays. */
function linkTo({ publicUrl, url }: Asked, place: { page: number } | { cursor: string }): string {
  const { pathname, searchParams: parameters } = new URL(url, publicUrl);
  parameters.delete('page');
  parameters.delete('cursor');
  for (const [name, value] of Object.entries(place)) parameters.set(name, String(value));
  return `${publicUrl}${pathname}?${parameters}`;
}
