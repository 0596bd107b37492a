/** The SQL of one view: its table, its bulk statements, and how a document becomes a row of them. */
import { type Column, type Projection, viewName } from '../projection.ts';

/** What the adapter needs of a view. */
export interface ViewTable {
  readonly name: string;
  /** Statements that make the table and its indexes. */
  readonly ddl: readonly string[];
  /** `$1`: keys. Gives `key, doc`. */
  readonly load: string;
  /** `$1`: a JSON array of {@link ViewTable.row}s. */
  readonly upsert: string;
  /** `$1`: keys. */
  readonly remove: string;
  /** `$1`: as the upsert's. Gives the keys whose stored columns are others than those that it would write. Null: there are no columns. */
  readonly skewed: string | null;
  /** One element of the upsert's JSON array. Throws what a column's `of` throws, and for what JSON cannot hold. */
  row(key: string, doc: object): string;
}

const IDENTIFIER = /^[a-z][a-z0-9_]{0,47}$/;

/** Throws for a name that PostgreSQL would have to quote or shorten. */
function identifier(name: string): string {
  if (!IDENTIFIER.test(name)) throw new Error(`${JSON.stringify(name)} is no short snake_case name`);
  return name;
}

/** Describes the table of a projection, `views.<name>`; the live one is `<name>_v<version>`. */
export function viewTable(projection: Projection, name: string = viewName(projection)): ViewTable {
  identifier(viewName(projection));
  const columns = [...rowColumns(name, projection), ...fieldColumns(name, projection)];
  return {
    name,
    ddl: [createTable(name, columns, projection.store), ...createIndexes(name, projection)],
    load: `select key, doc from views.${name} where key = any($1::text[])`,
    upsert: upsert(name, columns),
    skewed: skewed(name, columns),
    remove: `delete from views.${name} where key = any($1::text[])`,
    row: rowOf(columns),
  };
}

interface TableColumn extends Column<object> {
  /** In a row's JSON. */
  readonly member: string;
  /** In SQL. */
  readonly name: string;
}

function rowColumns(table: string, { rows }: Projection): readonly TableColumn[] {
  return Object.entries(rows?.columns ?? {}).map(([member, { type, sql, of }]) => {
    if (identifier(member) === 'key' || member === 'doc')
      throw new Error(`${table}: ${member} is the table's own`);
    return { member, name: member, type, of, ...(sql === undefined ? {} : { sql }) };
  });
}

/**
 * Fields of documents that statements name have columns of their own: an index on an expression over `doc` would be
 * written at each change of the document, and no update could stay on its page.
 */
function fieldColumns(table: string, { lookups = [], references = [] }: Projection): readonly TableColumn[] {
  const column = (field: string, type: TableColumn['type']): TableColumn => ({
    member: field,
    name: fieldColumn(table, field),
    type,
    of: (doc) => (doc as Readonly<Record<string, string | readonly string[] | null>>)[field] ?? null,
  });
  return [
    ...lookups.map((field) => column(field, 'text')),
    ...references.map((field) => column(field, 'text[]')),
  ];
}

/** The column of a document's field. */
function fieldColumn(table: string, field: string): string {
  if (!/^[a-zA-Z][a-zA-Z0-9]*$/.test(field))
    throw new Error(`${table}: no lookup by ${JSON.stringify(field)}`);
  return `"${field}"`;
}

/** Documents change often and their indexed fields seldom: with room on its page, a change touches no index. */
const ROOM = ' with (fillfactor = 70)';

function createTable(name: string, columns: readonly TableColumn[], store: Projection['store']): string {
  const derived = columns.map((column) => `, ${column.name} ${column.type}`);
  const own = 'key text collate "C" primary key, doc json not null';
  return `create table views.${name} (${own}${derived.join('')})${store === 'documents' ? ROOM : ''}`;
}

function createIndexes(name: string, { rows, lookups = [] }: Projection): string[] {
  // Without names of their own, which the indexes of another generation might have taken.
  return [...(rows?.indexes ?? []), ...lookups.map((field) => `(${fieldColumn(name, field)})`)].map(
    (body) => `create index on views.${name} ${body}`,
  );
}

/** `$1` as rows of the table. A column with an expression of its own arrives as text, the expression runs here. */
function incoming(columns: readonly TableColumn[]): {
  readonly names: readonly string[];
  readonly select: string;
} {
  const types = columns.map(({ name, type, sql }) => `${name} ${sql ? 'text' : type}`);
  const values = columns.map(
    ({ name, sql }) => `${sql?.replaceAll('$value', `r.${name}`) ?? `r.${name}`} as ${name}`,
  );
  return {
    names: ['key', 'doc', ...columns.map(({ name }) => name)],
    select: `select ${['r.key', 'r.doc', ...values].join(', ')}
      from json_to_recordset($1::json) as r(${['key text', 'doc json', ...types].join(', ')})`,
  };
}

function upsert(table: string, columns: readonly TableColumn[]): string {
  const { names, select } = incoming(columns);
  const updates = names.slice(1).map((column) => `${column} = excluded.${column}`);
  return `insert into views.${table} (${names.join(', ')}) ${select}
    on conflict (key) do update set ${updates.join(', ')}`;
}

function skewed(table: string, columns: readonly TableColumn[]): string | null {
  if (columns.length === 0) return null;
  const differ = columns.map(({ name }) => `e.${name} is distinct from v.${name}`);
  return `select v.key from (${incoming(columns).select}) e join views.${table} v on v.key = e.key
    where ${differ.join(' or ')} order by v.key`;
}

function rowOf(columns: readonly TableColumn[]): ViewTable['row'] {
  return (key, doc) => {
    const row: Record<string, unknown> = { key, doc };
    for (const { member, of } of columns) row[member] = of(doc);
    return JSON.stringify(row);
  };
}
