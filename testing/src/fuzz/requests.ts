/** Arbitrary requests of a route, from its own schemas: mostly valid, sometimes spoiled. */
import type { Route } from '@annals/contracts/kit/route';
import fc from 'fast-check';
import { z } from 'zod';
import { spoiled, valid, wrong } from './arbitrary.ts';

/** Who sends a request. */
export const callers = ['anonymous', 'author', 'reader', 'staff', 'service', 'nobody'] as const;
export type CallerName = (typeof callers)[number];

/** A text of the request: as it stands, or one that the running system knows (the `known`th of its kind). */
export type Text = { readonly text: string } | { readonly known: number };

/** A request before it is known what the running system holds; so a seed means the same on every stack. */
export interface FuzzedRequest {
  readonly caller: CallerName;
  readonly isHead: boolean;
  readonly params: Readonly<Record<string, Text>>;
  readonly query: readonly (readonly [name: string, value: Text])[];
  readonly headers: Readonly<Record<string, Text | undefined>>;
  readonly body: FuzzedBody | undefined;
}

export interface FuzzedBody {
  readonly contentType: string | null;
  /** The body's value, or its text as it stands. */
  readonly content: { readonly json: unknown } | { readonly raw: string };
  /** Whether the route's schema accepts it. */
  readonly isValid: boolean;
  /** Whether ids, names, passwords and tokens in it are replaced by ones that the running system knows. */
  readonly isKnown: boolean;
}

/** Requests of `route`; `names`: words that mean something to queries, such as fields to sort by. */
export function requestsOf(route: Route, names: readonly string[]): fc.Arbitrary<FuzzedRequest> {
  return fc.record({
    caller: fc.constantFrom(...callers),
    isHead: route.method === 'GET' ? mostly(false, true) : fc.constant(false),
    params: fc.record(mapShape(route.params, paramValues)),
    query: queries(route, names),
    headers: headersOf(route),
    body: bodies(route),
  });
}

const known: fc.Arbitrary<Text> = fc.nat(30).map((at) => ({ known: at }));
const asText = (values: fc.Arbitrary<string>): fc.Arbitrary<Text> => values.map((text) => ({ text }));

function mostly<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 10 }, fc.constantFrom(...others));
}

const strangeTexts = fc.oneof(
  fc.constantFrom('', '%', 'a,,b', '-', '..', 'null', '99999999999999999999', '__proto__', 'a\u0000b', '🦜'),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(101, 1_001, 3_000).map((length) => 'x'.repeat(length)),
);

function mapShape<Value>(
  schema: z.ZodType,
  of: (name: string, member: z.ZodType) => Value,
): Record<string, Value> {
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
  return Object.fromEntries(Object.entries(shape).map(([name, member]) => [name, of(name, member)]));
}

function paramValues(name: string, schema: z.ZodType): fc.Arbitrary<Text> {
  const own = asText(valid(schema).map(String));
  const hasKnown = /^id/.test(name);
  return fc.oneof(
    { arbitrary: hasKnown ? known : own, weight: 12 },
    { arbitrary: own, weight: 2 },
    asText(strangeTexts),
  );
}

function queries(route: Route, names: readonly string[]): fc.Arbitrary<FuzzedRequest['query']> {
  const members = mapShape(route.query, (_name, schema) => queryValues(schema, names));
  const entries = Object.entries(members).map(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  const strange = fc.tuple(fc.constantFrom('bogus', '__proto__', 'page', 'fields'), asText(strangeTexts));
  if (entries.length === 0)
    return fc.oneof(
      { arbitrary: fc.constant([]), weight: 10 },
      strange.map((one) => [one]),
    );
  const usual = fc.uniqueArray(fc.oneof(...entries), { maxLength: 3, selector: ([name]) => name });
  return fc.oneof(
    { arbitrary: usual, weight: 10 },
    fc.tuple(usual, strange).map(([some, one]) => [...some, one]),
  );
}

const WORDS = [
  '1',
  '2',
  '3',
  '20',
  '100',
  '500',
  'start',
  'true',
  'false',
  'one',
  'two',
  'article',
  'one,two',
];
const TIMES = ['2020-01-01T00:00:00Z', '2030-06-01T12:00:00.5+02:00', '2025-02-28T23:59:59.999Z'];

function queryValues(schema: z.ZodType, names: readonly string[]): fc.Arbitrary<Text> {
  const fields = names.flatMap((name) => [name, `-${name}`, `${name},id`, `id,${name}`]);
  const accepted = [...WORDS, ...TIMES, ...fields].filter((word) => schema.safeParse(word).success);
  return fc.oneof(
    ...(accepted.length > 0 ? [{ arbitrary: asText(fc.constantFrom(...accepted)), weight: 12 }] : []),
    { arbitrary: known, weight: 2 },
    asText(strangeTexts),
  );
}

/** What an HTTP header can carry. */
const headerTexts = fc.string({
  unit: fc.constantFrom(...'abcXYZ019 ",;=*/-_.:\t', '\u00e9', '\u00ff'),
  maxLength: 40,
});

function headersOf({ style }: Route): fc.Arbitrary<FuzzedRequest['headers']> {
  const some = (...values: readonly string[]) =>
    fc.oneof({ arbitrary: asText(fc.constantFrom(...values)), weight: 5 }, known, asText(headerTexts));
  const shared = {
    accept: some('application/json', 'text/html', '*/*;q=0'),
    traceparent: some('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '00-0-0-0'),
    origin: some('http://evil.test', 'null'),
    'x-forwarded-for': some('10.0.0.1', '::1, garbage'),
    'user-agent': asText(headerTexts),
  };
  const byStyle: Record<Route['style'], Record<string, fc.Arbitrary<Text>>> = {
    command: {
      'if-match': some('"0"', '"1"', '*', '"2"', '"99999"', 'W/"0"', '"0-abc"', '"1", "2"'),
      'idempotency-key': some('a', 'b', 'c', 'x'.repeat(256)),
    },
    query: {
      'annals-min-position': some('testlog0.0000000000000001'),
      prefer: some('wait=0', 'wait=99999999', 'return=minimal, wait="1"'),
      'if-none-match': some('*', '"0-abc"', 'W/"1"', '"a", "b"'),
    },
    plain: {},
  };
  return fc.oneof(
    { arbitrary: fc.record(byStyle[style], { requiredKeys: [] }), weight: 5 },
    fc.record({ ...shared, ...byStyle[style] }, { requiredKeys: [] }),
  );
}

const JSON_TYPE = 'application/json';

function bodies({ body, method, bodyOptional }: Route): fc.Arbitrary<FuzzedBody | undefined> {
  const none = fc.constant(undefined);
  if (method === 'GET') return none;
  const of = (json: fc.Arbitrary<unknown>): fc.Arbitrary<FuzzedBody> =>
    fc.record({ json, isKnown: fc.boolean() }).map(({ json: value, isKnown }) => ({
      contentType: JSON_TYPE,
      content: { json: value },
      isValid: body?.safeParse(value).success ?? false,
      isKnown,
    }));
  const raw = fc.record({
    contentType: mostly<string | null>(JSON_TYPE, 'text/plain', 'application/json; charset=utf-8', 'x', null),
    content: fc.record({
      raw: fc.oneof(fc.string(), fc.constantFrom('', '{', '[[]]', '"\\ud800"', '{"a":1e999}')),
    }),
    isValid: fc.constant(false),
    isKnown: fc.constant(false),
  });
  if (!body) return fc.oneof({ arbitrary: none, weight: 10 }, of(wrong), raw);
  const good = valid(body);
  return fc.oneof(
    { arbitrary: of(good), weight: 10 },
    { arbitrary: of(spoiled(good)), weight: 5 },
    raw,
    ...(bodyOptional ? [{ arbitrary: none, weight: 5 }] : [none]),
  );
}
