/** What a changed JSON Schema takes from those who rely on it. */

export type Json = Readonly<Record<string, unknown>>;

/** Who relies: those who send what the schema describes, or those who read it. */
export type Side = 'sent' | 'read';

/** A schema's document, for references. */
export interface Comparison {
  readonly before: Json;
  readonly after: Json;
  readonly side: Side;
}

/**
 * What somebody who relies on `before` can't rely on under `after`, in sentences that begin with `path`. `sent`: what was
 * accepted no longer is. `read`: what was there need no longer be. Further members and further values of an enumeration
 * break no reader, nor does a value where there never was any.
 */
export function breaksOfSchema(
  comparison: Comparison,
  before: unknown,
  after: unknown,
  path: string,
): string[] {
  const old = resolve(comparison.before, before);
  const now = resolve(comparison.after, after);
  return [
    ...breaksOfType(comparison.side, old, now, path),
    ...breaksOfProperties(comparison, old, now, path),
    ...breaksOfItems(comparison, old, now, path),
    ...breaksOfAlternatives(comparison, old, now, path),
    ...(comparison.side === 'sent' ? breaksOfLimits(old, now, path) : []),
  ];
}

/** References here are never circular: documents are generated from schemas that aren't. */
function resolve(document: Json, schema: unknown): Json {
  if (typeof schema !== 'object' || schema === null) return {};
  const ref = '$ref' in schema && typeof schema.$ref === 'string' ? schema.$ref : null;
  if (ref === null) return schema as Json;
  const found = ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (at as Json | undefined)?.[name], document);
  return resolve(document, found);
}

function breaksOfType(side: Side, before: Json, after: Json, path: string): string[] {
  const [old, now] = [typesOf(before), typesOf(after)];
  if (side === 'read' && old.join() === 'null') return [];
  const [wide, narrow] = side === 'sent' ? [now, old] : [old, now];
  const isFine = wide.length === 0 || (narrow.length > 0 && narrow.every((type) => covers(wide, type)));
  return isFine
    ? []
    : [`${path}: was ${old.join(' or ') || 'anything'}, is ${now.join(' or ') || 'anything'}`];
}

function typesOf({ type, const: constant }: Json): readonly string[] {
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type;
  return constant === undefined ? [] : [typeof constant];
}

function covers(wide: readonly string[], type: string): boolean {
  return wide.includes(type) || (type === 'integer' && wide.includes('number'));
}

function breaksOfProperties(comparison: Comparison, before: Json, after: Json, path: string): string[] {
  const [old, now] = [membersOf(before), membersOf(after)];
  const required = (schema: Json) => (schema.required ?? []) as readonly string[];
  const isSent = comparison.side === 'sent';
  const breaks = Object.entries(old).flatMap(([name, schema]) => {
    const at = `${path}.${name}`;
    if (name in now) return breaksOfSchema(comparison, schema, now[name], at);
    return isSent && after.additionalProperties !== false ? [] : [`${at}: removed`];
  });
  const [strict, lax] = isSent ? [after, before] : [before, after];
  const verdict = isSent ? 'required now' : 'may be missing now';
  const changed = required(strict).filter((name) => !required(lax).includes(name) && (isSent || name in now));
  return [...breaks, ...changed.map((name) => `${path}.${name}: ${verdict}`)];
}

function membersOf({ properties = {} }: Json): Json {
  return properties as Json;
}

function breaksOfItems(comparison: Comparison, before: Json, after: Json, path: string): string[] {
  return before.items && after.items
    ? breaksOfSchema(comparison, before.items, after.items, `${path}[]`)
    : [];
}

/** Each alternative of before needs one of now that it goes with. */
function breaksOfAlternatives(comparison: Comparison, before: Json, after: Json, path: string): string[] {
  const old = alternativesOf(before);
  if (old.length === 0) return [];
  const now = alternativesOf(after);
  const candidates = now.length > 0 ? now : [after];
  return old.flatMap((alternative, index) => {
    const outcomes = candidates.map((one) =>
      breaksOfSchema(comparison, alternative, one, `${path}(${index + 1})`),
    );
    return outcomes.reduce((best, one) => (one.length < best.length ? one : best));
  });
}

function alternativesOf({ anyOf, oneOf }: Json): readonly unknown[] {
  return (anyOf ?? oneOf ?? []) as readonly unknown[];
}

const UPPER = ['maxLength', 'maximum', 'exclusiveMaximum', 'maxItems', 'maxProperties'];
const LOWER = ['minLength', 'minimum', 'exclusiveMinimum', 'minItems', 'minProperties'];
const EXACT = ['pattern', 'format', 'multipleOf'];

function breaksOfLimits(before: Json, after: Json, path: string): string[] {
  const tightened = (names: readonly string[], isTighter: (old: unknown, now: unknown) => boolean) =>
    names
      .filter((name) => after[name] !== undefined && isTighter(before[name], after[name]))
      .map((name) => `${path}: ${name} was ${before[name] ?? 'not set'}, is ${after[name]}`);
  const lost = valuesOf(before)?.filter((value) => valuesOf(after)?.includes(value) === false) ?? [];
  const isClosed = valuesOf(before) === null && valuesOf(after) !== null;
  return [
    ...tightened(UPPER, (old, now) => old === undefined || Number(now) < Number(old)),
    ...tightened(LOWER, (old, now) => Number(now) > Number(old ?? 0)),
    ...tightened(EXACT, (old, now) => old !== now),
    ...lost.map((value) => `${path}: no longer takes ${JSON.stringify(value)}`),
    ...(isClosed ? [`${path}: takes certain values only`] : []),
  ];
}

function valuesOf({ enum: values, const: constant }: Json): readonly unknown[] | null {
  if (Array.isArray(values)) return values;
  return constant === undefined ? null : [constant];
}
