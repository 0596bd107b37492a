/** The login log as a list of the API [I4]: pages or cursors, as everywhere. */
import type { LoginAttempt } from '@annals/contracts/identity/views';
import { type ListRequest, MAX_PAGE_DEPTH } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import type { LoggedAttempt, LoginLog } from './login-log.ts';

export interface LoginList {
  readonly results: readonly LoginAttempt[];
  readonly count?: number;
  readonly countIsCapped?: true;
  readonly next: string | null;
  readonly previous: string | null;
}

interface Asked {
  /** What clients see, without a slash at its end. */
  readonly publicUrl: string;
  /** The path and query as the client wrote them. */
  readonly url: string;
  readonly query: ListRequest;
}

/** The part of the log that a request asks for, of the users given; null: of everybody. */
export async function listLogins(
  log: LoginLog,
  users: readonly string[] | null,
  { query, ...asked }: Asked,
): Promise<LoginList> {
  const linkTo = linker(asked);
  const { page, cursor, pageSize } = query;
  if (page === undefined) return byCursor(log, users, parseCursor(cursor), pageSize, linkTo);
  const range = { limit: pageSize, offset: (page - 1) * pageSize };
  const [rows, counted] = await Promise.all([log.list(users, range), log.count(users, MAX_PAGE_DEPTH + 1)]);
  const count = Math.min(counted, MAX_PAGE_DEPTH);
  const hasNext = page * pageSize < count && (page + 1) * pageSize <= MAX_PAGE_DEPTH;
  return {
    results: rows.map(toJson),
    count,
    ...(counted > count ? { countIsCapped: true as const } : {}),
    next: hasNext ? linkTo('page', String(page + 1)) : null,
    previous: page > 1 ? linkTo('page', String(page - 1)) : null,
  };
}

type Link = (parameter: 'page' | 'cursor', value: string) => string;
type Place = { readonly olderThan?: string; readonly newerThan?: string };

async function byCursor(
  log: LoginLog,
  users: readonly string[] | null,
  place: Place,
  pageSize: number,
  linkTo: Link,
): Promise<LoginList> {
  const found = await log.list(users, { limit: pageSize + 1, ...place });
  const isBack = place.newerThan !== undefined;
  const hasMore = found.length > pageSize;
  const rows = isBack ? found.slice(-pageSize) : found.slice(0, pageSize);
  const [first, last] = [rows[0], rows.at(-1)];
  const isStart = !isBack && place.olderThan === undefined;
  return {
    results: rows.map(toJson),
    next: last && (isBack || hasMore) ? linkTo('cursor', `b${last.id}`) : null,
    previous: first && !isStart && (!isBack || hasMore) ? linkTo('cursor', `a${first.id}`) : null,
  };
}

/** `start`, `b<id>` (before it) or `a<id>` (after it). */
function parseCursor(cursor = 'start'): Place {
  if (cursor === 'start') return {};
  const [, side, id] = /^([ab])(\d{1,18})$/.exec(cursor) ?? [];
  if (id === undefined) {
    const message = 'is not one of this list';
    throw new Problem('invalid-cursor', 'The cursor is not one of this list.', {
      mistakes: [{ parameter: 'cursor', code: 'invalid-cursor', message }],
    });
  }
  return side === 'b' ? { olderThan: id } : { newerThan: id };
}

function linker({ publicUrl, url }: Omit<Asked, 'query'>): Link {
  return (parameter, value) => {
    const link = new URL(url, 'http://annals.invalid');
    link.searchParams.set(parameter, value);
    return `${publicUrl}${link.pathname}${link.search}`;
  };
}

function toJson({ at, ...attempt }: LoggedAttempt): LoginAttempt {
  const { id, userId, ip, userAgent, succeeded, reason } = attempt;
  return { id, userId, at: at.toISOString(), ip, userAgent, succeeded, reason };
}
