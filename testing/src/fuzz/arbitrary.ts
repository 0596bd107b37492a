/** fast-check arbitraries from zod schemas: what a schema accepts, and what it may refuse. */
import fc from 'fast-check';
import { z } from 'zod';

/** What of JSON Schema this generator understands. */
interface JsonSchema {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Strings, lists and numbers get no larger than this, unless a schema asks for it. */
const LONGEST_TEXT = 60;
const LONGEST_LIST = 4;
const LARGEST_NUMBER = 1_000_000;
/** Limits up to here are also met exactly. */
const LONGEST_LIMIT = 5_000;

/** Inputs that `schema` accepts. Members of an object are generated one by one, so that each meets its own schema. */
export function valid(schema: z.ZodType): fc.Arbitrary<unknown> {
  return bare(schema).filter((value) => schema.safeParse(value).success);
}

/** An object of `valid` members; optional ones are there or not. */
export function validObject<Shape extends Record<string, z.ZodType>>(
  shape: Shape,
): fc.Arbitrary<Record<string, unknown>> {
  const names = Object.keys(shape);
  const requiredKeys = names.filter((name) => !shape[name]?.safeParse(undefined).success);
  const members = Object.fromEntries(names.map((name) => [name, valid(present(shape[name] ?? z.any()))]));
  return fc.record(members, { requiredKeys });
}

/** `value` spoiled in one place or two: other types, other lengths, other members. It may still be acceptable. */
export function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(value, fc.array(fc.tuple(fc.nat(), wrong), { minLength: 1, maxLength: 2 }))
    .map(([good, changes]) => changes.reduce((current, [at, bad]) => replaceAt(current, at, bad), good));
}

/** JSON values that few schemas expect. */
export const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, '', [], {}, -1, 0, 1e308, 1.5, true, '\u0000', '\ud800', '__proto__', ' '),
  fc.constantFrom('0000-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00', '2026-02-30T00:00:00Z'),
  fc.constantFrom(255, 1_001, 20_000).map((length) => 'x'.repeat(length)),
  fc.constantFrom(21, 101).map((length) => Array.from({ length }, (_, index) => `item ${index}`)),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

function present(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? present(schema.unwrap() as z.ZodType)
    : schema;
}

function bare(schema: z.ZodType): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodObject) return validObject(schema.shape as Record<string, z.ZodType>);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return fc.option(bare(present(schema)), { nil: undefined });
  if (schema instanceof z.ZodNullable) return fc.option(bare(schema.unwrap() as z.ZodType));
  if (schema instanceof z.ZodArray) {
    const item = valid(schema.element as z.ZodType);
    return list(item, jsonSchemaOf(schema));
  }
  if (schema instanceof z.ZodUnion)
    return fc.oneof(...schema.options.map((option) => valid(option as z.ZodType)));
  return fromJsonSchema(jsonSchemaOf(schema));
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

function fromJsonSchema(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return fc.oneof(...variants.map(fromJsonSchema));
  return BY_TYPE[schema.type ?? '']?.(schema) ?? fc.jsonValue({ maxDepth: 1 });
}

const BY_TYPE: Readonly<Record<string, (schema: JsonSchema) => fc.Arbitrary<unknown>>> = {
  string: textOf,
  integer: ({ minimum = -LARGEST_NUMBER, maximum = LARGEST_NUMBER }) =>
    fc.integer({ min: Math.max(minimum, -LARGEST_NUMBER), max: Math.min(maximum, LARGEST_NUMBER) }),
  number: () => fc.double({ noNaN: true, noDefaultInfinity: true }),
  boolean: () => fc.boolean(),
  null: () => fc.constant(null),
  array: ({ items = {}, ...limits }) => list(fromJsonSchema(items), limits),
  object: ({ properties = {}, required = [] }) =>
    fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, fromJsonSchema(schema)])),
      { requiredKeys: [...required] },
    ),
};

function list(
  item: fc.Arbitrary<unknown>,
  { minItems = 0, maxItems }: Pick<JsonSchema, 'minItems' | 'maxItems'>,
) {
  return fc.array(item, { minLength: minItems, maxLength: Math.min(maxItems ?? LONGEST_LIST, LONGEST_LIST) });
}

const BY_FORMAT: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  uuid: () => fc.uuid({ version: 7 }),
  email: () => fc.stringMatching(/^[a-zA-Z0-9]{1,12}\.[a-z]{1,5}@[a-z]{2,8}\.org$/),
  uri: () => fc.oneof(fc.webUrl(), fc.stringMatching(/^https:\/\/[a-z]{1,9}\.org\/[a-z0-9]{0,9}$/)),
  'date-time': () =>
    fc.oneof(
      { arbitrary: timesOfYears(1990, 2035), weight: 4 },
      timesOfYears(0, 9999),
      fc.constantFrom('0000-12-31T23:59:59Z', '9999-12-31T23:59:59-23:59'),
    ),
};

function timesOfYears(first: number, last: number): fc.Arbitrary<string> {
  const yearBegins = (year: number) => new Date(`${String(year).padStart(4, '0')}-01-01T00:00:00Z`);
  return fc
    .date({ min: yearBegins(first), max: yearBegins(last), noInvalidDate: true })
    .map((date) => date.toISOString());
}

function textOf({ format = '', pattern, minLength = 0, maxLength }: JsonSchema): fc.Arbitrary<string> {
  const formatted = BY_FORMAT[format];
  if (formatted) return formatted();
  if (pattern !== undefined) {
    const longest = Math.min(maxLength ?? LONGEST_TEXT, LONGEST_TEXT);
    return fc
      .stringMatching(new RegExp(pattern, 'u'), { maxLength: Math.max(longest, minLength) })
      .filter((value) => value.length >= minLength && value.length <= (maxLength ?? value.length));
  }
  const lengths = {
    minLength,
    maxLength: Math.max(minLength, Math.min(maxLength ?? LONGEST_TEXT, LONGEST_TEXT)),
  };
  const plain = fc.string({ ...lengths, unit: fc.constantFrom(...'abcxyzABC019 -.,!é') });
  const anything = fc
    .string({ unit: 'grapheme', ...lengths })
    .filter((value) => value.length >= minLength && value.length <= (maxLength ?? value.length));
  const limits = [minLength, maxLength ?? minLength].filter((limit) => limit > 0 && limit <= LONGEST_LIMIT);
  const atLimits = limits.length > 0 ? [fc.constantFrom(...limits).map((length) => 'x'.repeat(length))] : [];
  return fc.oneof({ arbitrary: plain, weight: 4 }, anything, ...atLimits);
}

/** `value` with `bad` in one of its places: the root, or a member or item that `at` chooses. */
function replaceAt(value: unknown, at: number, bad: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && at % 5 > 0) {
    const index = at % value.length;
    return value.map((item, here) => (here === index ? replaceAt(item, Math.floor(at / 5), bad) : item));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const names = Object.keys(value);
    const name = names[at % (names.length + 2)];
    if (name !== undefined) {
      const member = (value as Record<string, unknown>)[name];
      return { ...value, [name]: replaceAt(member, Math.floor(at / 5), bad) };
    }
    if (at % (names.length + 2) === names.length) return { ...value, notAField: bad };
  }
  return bad;
}
