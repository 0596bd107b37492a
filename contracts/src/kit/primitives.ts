/** The scalar vocabulary that every contract shares: ids, times, positions, text that any store can hold. */
import { z } from 'zod';

/** A UUID in lower case. New ids are version 7, so they sort by creation time. */
export const uuid = z.uuid().meta({ description: 'A UUID; new ones are version 7' });

/** RFC 3339 in UTC with milliseconds, e.g. `2026-11-22T10:00:00.000Z`. */
export const timestamp = z.iso
  .datetime({ precision: 3, message: 'must be an RFC 3339 time in UTC with milliseconds' })
  .meta({ description: 'RFC 3339, UTC, milliseconds' });

/** What every store can hold and RFC 3339 can write, in UTC. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

function isStorable(time: string): boolean {
  const at = Date.parse(time);
  return at >= FIRST_TIME && at <= LAST_TIME;
}

/** A time as clients may write it: any RFC 3339 offset and precision; normalised to {@link timestamp}. */
export const timestampInput = z.iso
  .datetime({ offset: true, message: 'must be an RFC 3339 time' })
  .refine(isStorable, { message: 'must be of the years 1 to 9999 in UTC' })
  .transform((value) => new Date(value).toISOString())
  .meta({ description: 'RFC 3339 time' });

/** Opaque to everyone but the log that issued it; positions of one log compare as text. */
export const position = z
  .string()
  .regex(/^[0-9a-z]{8}\.[0-9a-f]{16,32}$/)
  .meta({ description: 'A position in the log; opaque' });

// biome-ignore lint/suspicious/noControlCharactersInRegex: to find them is its purpose
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/u;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** True for text that every store and every client can hold: no NUL, no control characters, no lone surrogates. */
export function isCleanText(value: string): boolean {
  return !CONTROL.test(value) && !LONE_SURROGATE.test(value);
}

/** User text of `min` to `max` UTF-16 units, trimmed, without control characters or lone surrogates. */
export function text(min: number, max: number): z.ZodType<string, string> {
  return z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine(isCleanText, { message: 'must not contain control characters or unpaired surrogates' });
}
