/**
 * Cursors: where a page ended, as the sort keys of its last row. Opaque to clients. One belongs to the list that gave
 * it: path, filters, search and order. Whatever a client makes up is refused before it gets near a statement.
 */
import { hash } from 'node:crypto';
import type { ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import { z } from 'zod';
import type { Order, SortType } from './source.ts';

/** A place in a list and the way from there. */
export interface Cursor {
  readonly direction: 'next' | 'previous';
  /** Text of the sort keys, the unique key last. */
  readonly keys: readonly string[];
}

const START = 'start';
/** In UTF-16 units. The title of 200 letters that unfolds the most (`foldTitle`: a ligature is up to 18) has 3,600. */
const LONGEST_KEY = 4_000;
const encoded = z.tuple([
  z.string(),
  z.enum(['next', 'previous']),
  z.array(z.string().max(LONGEST_KEY)).max(8),
]);

const TIME = /^(?!0000)(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?[+-](0\d|1[0-4])(:[0-5]\d)?$/;

/** True for times that are in the calendar: of others PostgreSQL makes an error. */
function isTime(text: string): boolean {
  const [, date, clock] = TIME.exec(text) ?? [];
  const at = Date.parse(`${date}T${clock}Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(`${date}T${clock}`);
}

/** Single precision: what is too small for it is an error as well. */
function isReal(text: string): boolean {
  if (!/^\d{1,9}(\.\d{1,20})?(e-\d{1,2})?$/.test(text)) return false;
  return Number(text) === 0 || Math.fround(Number(text)) > 0;
}

/** What PostgreSQL prints for a type, and therefore reads again. */
const isKey: Record<SortType, (text: string) => boolean> = {
  text: (text) => !text.includes('\u0000') && text.isWellFormed(),
  integer: (text) => /^-?\d{1,9}$/.test(text),
  bigint: (text) => /^-?\d{1,16}$/.test(text),
  real: isReal,
  timestamptz: (text) => text === '-infinity' || isTime(text),
};

/** What a cursor belongs to. */
export function listIdentity(path: string, request: ListRequest, order: readonly Order[]): string {
  const { filters, search = null, parameters } = request;
  const identity = JSON.stringify([path, filters, search, order, ...(parameters ? [parameters] : [])]);
  return hash('sha256', identity, 'base64url').slice(0, 12);
}

export function encodeCursor(identity: string, cursor: Cursor): string {
  return Buffer.from(JSON.stringify([identity, cursor.direction, cursor.keys])).toString('base64url');
}

/** Null for the start of the list. Throws `invalid-cursor` for what this list has not given. */
export function decodeCursor(text: string, identity: string, types: readonly SortType[]): Cursor | null {
  if (text === START) return null;
  const parsed = encoded.safeParse(parse(text));
  if (!parsed.success) throw invalid('It is not one that a list gave.');
  const [belongsTo, direction, keys] = parsed.data;
  if (belongsTo !== identity) throw invalid('It belongs to a list with other filters or another order.');
  const isRight = keys.length === types.length && types.every((type, at) => isKey[type](keys[at] ?? ''));
  if (!isRight) throw invalid('It is not one that a list gave.');
  return { direction, keys };
}

/** The first sort key of a cursor that is still to be checked; undefined at the start, and where there is none. */
export function firstKeyOf(text: string | undefined): string | undefined {
  if (text === undefined || text === START) return undefined;
  const parsed = encoded.safeParse(parse(text));
  return parsed.success ? parsed.data[2][0] : undefined;
}

function parse(text: string): unknown {
  if (!/^[\w-]+$/.test(text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function invalid(detail: string): Problem {
  return new Problem('invalid-cursor', detail, {
    mistakes: [{ parameter: 'cursor', code: 'invalid-cursor', message: 'start with cursor=start' }],
  });
}
