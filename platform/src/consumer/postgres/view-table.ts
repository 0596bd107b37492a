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
  /** One element of the upsert's JSON array. Throws what a column's `of` throws, and for what JSON cannot hold. */
  row(key: string, doc: object): string;
}

const IDENTIFIER = /^[a-z][a-z0-9_]{0,54}$/;

/** Throws for a name that PostgreSQL would have to quote or shorten. */
function identifier(name: string): string {
  if (!IDENTIFIER.test(name)) throw new Error(`${JSON.stringify(name)} is no short snake_case name`);
  return name;
}

/** Describes the table of a projection, `views.<name>_v<version>`. */
export function viewTable(projection: Projection): ViewTable {
  const name = identifier(viewName(projection));
  const columns = [...rowColumns(name, projection), ...fieldColumns(name, projection)];
  return {
    name,
    ddl: [createTable(name, columns, projection.store), ...createIndexes(name, projection)],
    load: `select key, doc from views.${name} where key = any($1::text[])`,
    upsert: upsert(name, columns),
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
  return [...(rows?.indexes ?? []), ...lookups.map((field) => `(${fieldColumn(name, field)})`)].map(
    (body, index) => `create index ${name}_${index} on views.${name} ${body}`,
  );
}

/** The columns' SQL runs in the statement itself; a column with an expression of its own arrives as text. */
function upsert(table: string, columns: readonly TableColumn[]): string {
  const names = ['key', 'doc', ...columns.map(({ name }) => name)];
  const incoming = [
    'key text',
    'doc json',
    ...columns.map(({ name, type, sql }) => `${name} ${sql ? 'text' : type}`),
  ];
  const values = [
    'r.key',
    'r.doc',
    ...columns.map(({ name, sql }) => sql?.replaceAll('$value', `r.${name}`) ?? `r.${name}`),
  ];
  return `insert into views.${table} (${names.join(', ')})
    select ${values.join(', ')} from json_to_recordset($1::json) as r(${incoming.join(', ')})
    on conflict (key) do update set ${names
      .slice(1)
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}`;
}

function rowOf(columns: readonly TableColumn[]): ViewTable['row'] {
  return (key, doc) => {
    const row: Record<string, unknown> = { key, doc };
    for (const { member, of } of columns) row[member] = of(doc);
    return JSON.stringify(row);
  };
}
