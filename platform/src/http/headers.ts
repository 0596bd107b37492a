/** The headers of the API's conventions: conditions, idempotency, positions. All mistakes are collected. */
import type { IncomingHttpHeaders } from 'node:http';
import { position } from '@annals/contracts/kit/primitives';
import type { Mistake } from '@annals/contracts/problems';

/** What the convention headers of a request say, by the route's style. */
export interface ConventionHeaders {
  readonly idempotencyKey: string | null;
  readonly ifMatch: number | null;
  readonly minPosition: string | null;
  readonly waitMs: number;
  readonly ifNoneMatch: readonly string[];
}

const DEFAULT_WAIT_SECONDS = 2;
const MAX_WAIT_SECONDS = 10;
const MAX_ENTITY_TAGS = 20;

const NONE: ConventionHeaders = {
  idempotencyKey: null,
  ifMatch: null,
  minPosition: null,
  waitMs: DEFAULT_WAIT_SECONDS * 1_000,
  ifNoneMatch: [],
};

/** Reads the headers that count for `style` and adds what is wrong with them to `mistakes`. */
export function readConventionHeaders(
  style: 'command' | 'query' | 'plain',
  headers: IncomingHttpHeaders,
  mistakes: Mistake[],
): ConventionHeaders {
  if (style === 'command') {
    return {
      ...NONE,
      idempotencyKey: idempotencyKey(headers['idempotency-key'], mistakes),
      ifMatch: ifMatch(headers['if-match'], mistakes),
    };
  }
  if (style === 'query') {
    return {
      ...NONE,
      minPosition: minPosition(headers['annals-min-position'], mistakes),
      waitMs: waitMs(headers.prefer),
      ifNoneMatch: ifNoneMatch(headers['if-none-match'], mistakes),
    };
  }
  return NONE;
}

type Header = string | string[] | undefined;

function idempotencyKey(value: Header, mistakes: Mistake[]): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value)) return value;
  mistakes.push({
    header: 'Idempotency-Key',
    code: 'invalid-format',
    message: 'must be 1 to 255 visible ASCII characters',
  });
  return null;
}

/** `"<revision>"` or a GET's ETag `"<revision>-<hash>"`; weak ones too, since compression on the way makes them so. */
const REVISION_TAG = /^(?:W\/)?"(\d{1,10})(?:-[\w-]{1,64})?"$/;

function ifMatch(value: Header, mistakes: Mistake[]): number | null {
  if (value === undefined || value === '*') return null;
  const revisions = new Set(
    String(value)
      .split(',')
      .map((tag) => REVISION_TAG.exec(tag.trim())?.[1]),
  );
  const [revision] = revisions;
  if (revisions.size === 1 && revision !== undefined) return Number(revision);
  mistakes.push({
    header: 'If-Match',
    code: 'invalid-format',
    message: 'must be "<revision>", the ETag of a GET, or *',
  });
  return null;
}

function minPosition(value: Header, mistakes: Mistake[]): string | null {
  if (value === undefined) return null;
  const parsed = position.safeParse(value);
  if (parsed.success) return parsed.data;
  mistakes.push({
    header: 'Annals-Min-Position',
    code: 'invalid-format',
    message: 'must be an Annals-Position that was answered',
  });
  return null;
}

/** RFC 7240: a preference that can't be met is ignored, so this never refuses; the first `wait` counts. */
function waitMs(value: Header): number {
  const wait = String(value ?? '')
    .split(',')
    .map((preference) => /^\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:;|$)/i.exec(preference)?.[1])
    .find((seconds) => seconds !== undefined);
  return Math.min(wait === undefined ? DEFAULT_WAIT_SECONDS : Number(wait), MAX_WAIT_SECONDS) * 1_000;
}

const ENTITY_TAG = /^(?:W\/)?("[\x21\x23-\x7e]{0,200}")$/;

function ifNoneMatch(value: Header, mistakes: Mistake[]): readonly string[] {
  if (value === undefined) return [];
  if (value === '*') return ['*'];
  const tags = String(value)
    .split(',')
    .map((tag) => ENTITY_TAG.exec(tag.trim())?.[1]);
  if (tags.length <= MAX_ENTITY_TAGS && tags.every((tag) => tag !== undefined)) return tags;
  mistakes.push({
    header: 'If-None-Match',
    code: 'invalid-format',
    message: `must be up to ${MAX_ENTITY_TAGS} entity tags, or *`,
  });
  return [];
}
