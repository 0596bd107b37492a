/** Values that a JSON Schema refuses, each in a body that is wrong in this place at least. */

/** What of JSON Schema the route table's bodies use. */
export interface BodySchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, BodySchema>>;
  readonly required?: readonly string[];
  readonly items?: BodySchema;
  readonly anyOf?: readonly BodySchema[];
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
}

export interface BadValue {
  readonly what: string;
  /** Where the mistake is: members and indexes from the body's root. */
  readonly path: readonly string[];
  /** The whole body. */
  readonly body: unknown;
}

const LONG = 10_000;

/** Every way in which a body of `schema` can be wrong that this generator knows. */
export function badValues(schema: BodySchema): BadValue[] {
  const root = { what: 'unknown field', path: ['notAField'], body: { notAField: 1 } };
  const wrongRoots = [[], null, 'text', 7].map((body) => ({
    what: `body that is ${JSON.stringify(body)}`,
    path: [],
    body,
  }));
  return [root, ...wrongRoots, ...badMembers(schema)];
}

function badMembers({ properties = {}, required = [] }: BodySchema): BadValue[] {
  const missing = required.map((name) => ({ what: `without ${name}`, path: [name], body: {} }));
  const wrong = Object.entries(properties).flatMap(([name, schema]) =>
    badOf(schema).map(({ what, path, body }) => ({
      what: `${name} ${what}`,
      path: [name, ...path],
      body: { [name]: body },
    })),
  );
  return [...missing, ...wrong];
}

function badOf(schema: BodySchema): BadValue[] {
  const variants = schema.anyOf?.filter(({ type }) => type !== 'null');
  if (variants)
    return variants.length === 1 && variants[0] ? badOf(variants[0]).filter(({ body }) => body !== null) : [];
  const here = (what: string, body: unknown): BadValue => ({ what, path: [], body });
  const ofType = BAD_BY_TYPE[schema.type ?? '']?.(schema, here) ?? [];
  const notNull = schema.type === undefined ? [] : [here('null', null)];
  const enumerated = schema.enum ? [here('not of the enumeration', 'not-one-of-them')] : [];
  return [...ofType, ...notNull, ...enumerated];
}

type Here = (what: string, body: unknown) => BadValue;

const BAD_BY_TYPE: Readonly<Record<string, (schema: BodySchema, here: Here) => BadValue[]>> = {
  string: ({ minLength = 0, maxLength }, here) => [
    here('a number', 7),
    here('an object', {}),
    here('with NUL', 'a\u0000bcdefgh'),
    here('with an unpaired surrogate', 'abcdefgh\ud800'),
    ...(minLength > 0 ? [here('too short', 'x'.repeat(minLength - 1))] : []),
    ...(maxLength === undefined ? [] : [here('too long', 'x'.repeat(maxLength + 1))]),
    ...(maxLength !== undefined && maxLength < LONG ? [here(`of ${LONG} characters`, 'x'.repeat(LONG))] : []),
  ],
  integer: ({ minimum }, here) => [
    here('text', '7'),
    here('a fraction', 1.5),
    ...(minimum === undefined ? [] : [here('too small', minimum - 1)]),
  ],
  number: (_schema, here) => [here('text', '7')],
  boolean: (_schema, here) => [here('text', 'true'), here('a number', 1)],
  array: ({ items = {}, maxItems }, here) => [
    here('text', 'text'),
    here('an object', {}),
    ...(maxItems === undefined
      ? []
      : [here('with too many items', Array<string>(maxItems + 1).fill('item'))]),
    ...badOf(items).map(({ what, path, body }) => ({
      what: `item ${what}`,
      path: ['0', ...path],
      body: [body],
    })),
  ],
  object: (schema, here) => [here('text', 'text'), here('a list', []), ...badMembers(schema)],
};
