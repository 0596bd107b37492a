/** Strong ETags and conditional answers of queries. */
import { hash } from 'node:crypto';
import type { RouteResponse } from './types.ts';

/** What {@link representation} needs of a request. */
interface Conditions {
  readonly ifNoneMatch: readonly string[];
}

export interface RepresentationOptions {
  /** The resource's revision. Default 0: lists have none. */
  readonly revision?: number;
  /** Serialised JSON, or a value to serialise. */
  readonly body: unknown;
  /** The log position that the answer reflects. */
  readonly position?: string;
  /** False where every caller gets the same bytes. Default true. */
  readonly isPersonal?: boolean;
  /** See {@link RouteResponse.basis}. */
  readonly basis?: object | null;
}

/** `"<revision>-<hash of the representation>"`. */
function entityTag(revision: number, body: string): string {
  return `"${revision}-${hash('sha256', body, 'base64url').slice(0, 22)}"`;
}

/** The answer that is one representation: 200 with its ETag, or 304 where the client has this representation already. */
export function representation(request: Conditions, options: RepresentationOptions): RouteResponse {
  const { revision = 0, position, isPersonal = true } = options;
  const body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body);
  const etag = entityTag(revision, body);
  const headers: Record<string, string> = { etag, ...(isPersonal ? PERSONAL : SHARED) };
  if (position !== undefined) headers['annals-position'] = position;
  return isKnown(request, etag)
    ? { status: 304, headers }
    : { status: 200, headers, body, basis: options.basis ?? undefined };
}

/** True where the client has the representation with this tag already. */
export function isKnown({ ifNoneMatch }: Conditions, etag: string): boolean {
  return ifNoneMatch.includes(etag) || ifNoneMatch.includes('*');
}

/** Headers of answers that depend on the caller: kept by the caller's own cache alone, and checked before each use. */
const PERSONAL = { 'cache-control': 'private, no-cache', vary: 'Authorization' } as const;
/** Headers of answers that are the same for everyone: checked before each use. */
const SHARED = { 'cache-control': 'no-cache' } as const;
