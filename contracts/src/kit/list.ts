/** The query parameters that all lists share: pages or cursors, filters, sorting, search, sparse fields. */
import { z } from 'zod';

export type Operator = 'eq' | 'not' | 'gte' | 'lte' | 'gt' | 'lt' | 'contains';

/** A filterable field: the schema of one value, and the operators it takes (`eq` is `field=`). */
export interface Filter {
  readonly value: z.ZodType<string, string>;
  readonly operators: readonly Operator[];
}

/** One filter of a request: any of `values` satisfies it; all filters must hold. */
export interface FilterClause {
  readonly field: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** A list's parsed parameters. Exactly one of `page` and `cursor` is set. */
export interface ListRequest {
  readonly page?: number;
  /** `start`, or what `next`/`previous` carried. */
  readonly cursor?: string;
  readonly pageSize: number;
  readonly filters: readonly FilterClause[];
  readonly sort: readonly { readonly field: string; readonly descending: boolean }[];
  readonly search?: string;
  /** Those of {@link ListOptions.parameters} that were sent. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly fields?: readonly string[];
  readonly exclude?: readonly string[];
}

export interface ListOptions {
  readonly filters?: Readonly<Record<string, Filter>>;
  readonly sort?: readonly string[];
  /** The item's fields, for `fields` and `exclude`. */
  readonly fields?: readonly string[];
  readonly search?: boolean;
  /** Further parameters of this list alone, by name: what it is a list of. */
  readonly parameters?: Readonly<Record<string, z.ZodType<string, string>>>;
}

/** `page × pageSize` may reach this; beyond it only cursors go. */
export const MAX_PAGE_DEPTH = 10_000;
/** Of a cursor: it carries the sort keys of a row, which may be a long title. */
const MAX_CURSOR = 12_000;
/** Values of one filter. */
const MAX_VALUES = 20;

/**
 * The schema of a list's query string, giving a {@link ListRequest}. Unknown parameters, fields and operators are
 * refused; values of one filter are separated by commas.
 */
export function listQuery(options: ListOptions = {}) {
  const shape: Record<string, z.ZodType> = {
    page: wholeNumber(1, 1_000_000).optional().meta({ description: 'From 1; not with cursor' }),
    pageSize: wholeNumber(1, 100).optional().meta({ description: '1 to 100; default 20' }),
    cursor: z
      .string()
      .min(1)
      .max(MAX_CURSOR)
      .optional()
      .meta({ description: '`start`, then as `next` and `previous` say' }),
  };
  if (options.search)
    shape.search = z.string().trim().min(1).max(200).optional().meta({ description: 'Words to find' });
  if (options.sort)
    shape.sort = sortList(options.sort)
      .optional()
      .meta({ description: `Some of ${options.sort.join(', ')}; -name: descending` });
  if (options.fields) {
    const names = options.fields.join(', ');
    shape.fields = nameList(options.fields)
      .optional()
      .meta({ description: `Only these of ${names}` });
    shape.exclude = nameList(options.fields)
      .optional()
      .meta({ description: `All but these of ${names}` });
  }
  for (const [name, schema] of Object.entries(options.parameters ?? {})) shape[name] = schema.optional();
  for (const [field, filter] of Object.entries(options.filters ?? {})) {
    for (const operator of filter.operators) {
      shape[operator === 'eq' ? field : `${field}[${operator}]`] = valueList(filter.value)
        .optional()
        .meta({ description: `Any of up to ${MAX_VALUES} values, separated by commas` });
    }
  }
  return z
    .strictObject(shape)
    .superRefine((query, context) => {
      const both = (a: string, b: string) => query[a] !== undefined && query[b] !== undefined;
      const refuse = (path: string, message: string, code = 'invalid') =>
        context.addIssue({ code: 'custom', path: [path], message, params: { code } });
      if (both('page', 'cursor')) refuse('cursor', 'cannot be combined with page');
      if (both('fields', 'exclude')) refuse('exclude', 'cannot be combined with fields');
      // A value that its own schema refused is still text here.
      const number = (name: string, other: number) => (typeof query[name] === 'number' ? query[name] : other);
      if (number('page', 1) * number('pageSize', 20) > MAX_PAGE_DEPTH) {
        refuse('page', `page × pageSize must not exceed ${MAX_PAGE_DEPTH}; use cursor`, 'page-too-deep');
      }
    })
    .transform((query): ListRequest => toListRequest(query, options));
}

function toFilters(query: Record<string, unknown>, options: ListOptions): FilterClause[] {
  return Object.entries(options.filters ?? {}).flatMap(([field, filter]) =>
    filter.operators.flatMap((operator) => {
      const values = query[operator === 'eq' ? field : `${field}[${operator}]`] as string[] | undefined;
      return values ? [{ field, operator, values }] : [];
    }),
  );
}

function toParameters(query: Record<string, unknown>, options: ListOptions): Record<string, string> {
  return Object.fromEntries(
    Object.keys(options.parameters ?? {}).flatMap((name) => {
      const value = query[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

function toListRequest(query: Record<string, unknown>, options: ListOptions): ListRequest {
  const rest = query as {
    page?: number;
    pageSize?: number;
    cursor?: string;
    search?: string;
    fields?: string[];
    exclude?: string[];
  };
  return {
    ...(rest.cursor === undefined ? { page: rest.page ?? 1 } : { cursor: rest.cursor }),
    pageSize: rest.pageSize ?? 20,
    filters: toFilters(query, options),
    sort: (query.sort as ListRequest['sort'] | undefined) ?? [],
    ...(options.parameters ? { parameters: toParameters(query, options) } : {}),
    ...(rest.search === undefined ? {} : { search: rest.search }),
    ...(rest.fields === undefined ? {} : { fields: rest.fields }),
    ...(rest.exclude === undefined ? {} : { exclude: rest.exclude }),
  };
}

/** The parameters `fields` and `exclude` of an item's fields. Whoever takes both refuses them together. */
export function fieldChoice(names: readonly string[]) {
  return { fields: nameList(names).optional(), exclude: nameList(names).optional() };
}

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,7}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`);
}

function commaSeparated(max: number) {
  return z
    .string()
    .max(2_000)
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine((parts) => parts.length <= max, `at most ${max} values`);
}

function nameList(names: readonly string[]) {
  return commaSeparated(100).refine(
    (parts) => parts.every((part) => names.includes(part)),
    `known fields: ${names.join(', ')}`,
  );
}

function sortList(names: readonly string[]) {
  return commaSeparated(5)
    .transform((parts) =>
      parts.map((part) => ({ field: part.replace(/^-/, ''), descending: part.startsWith('-') })),
    )
    .refine((parts) => parts.every(({ field }) => names.includes(field)), `sortable: ${names.join(', ')}`)
    .refine(
      (parts) => new Set(parts.map(({ field }) => field)).size === parts.length,
      'a field can be named once',
    );
}

function valueList(value: z.ZodType<string, string>) {
  return commaSeparated(MAX_VALUES).pipe(z.array(value));
}

/** The body of a list of `item`. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    results: z.array(item),
    count: z.int().nonnegative().optional().meta({ description: 'Absent where a cursor is used' }),
    countIsCapped: z.literal(true).optional().meta({ description: 'The true count is larger than `count`' }),
    next: z.string().nullable(),
    previous: z.string().nullable(),
  });
}
