/**
 * Personal data in events. A field wrapped in {@link personal} is encrypted in the log with the key of the event's
 * subject; once that key is destroyed every reader gets {@link ERASED} instead, which the wrapped schema accepts.
 */
import { z } from 'zod';

/** What readers get in place of a personal value whose key has been destroyed. */
export const ERASED = '[erased]';

const marked = new WeakSet<z.core.$ZodType>();

/** Marks a string field of an event as personal: encrypted at rest, {@link ERASED} after an erasure. */
export function personal<Schema extends z.ZodType<string | null>>(schema: Schema) {
  const union = z.union([schema, z.literal(ERASED)]);
  marked.add(union);
  return union;
}

/** The names of the fields of `shape` that {@link personal} marked. */
export function personalFields(shape: Record<string, z.core.$ZodType>): string[] {
  return Object.entries(shape)
    .filter(([, schema]) => marked.has(unwrap(schema)))
    .map(([name]) => name);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? unwrap(schema.unwrap())
    : schema;
}
