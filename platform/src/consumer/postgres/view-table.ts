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
  const columns = Object.entries(projection.rows?.columns ?? {});
  for (const [column] of columns) {
    if (identifier(column) === 'key' || column === 'doc')
      throw new Error(`${name}: ${column} is the table's own`);
  }
  return {
    name,
    ddl: [createTable(name, columns), ...createIndexes(name, projection)],
    load: `select key, doc from views.${name} where key = any($1::text[])`,
    upsert: upsert(name, columns),
    remove: `delete from views.${name} where key = any($1::text[])`,
    row: rowOf(columns.map(([column, { of }]) => [column, of])),
  };
}

type Columns = readonly (readonly [string, Column<object>])[];

function createTable(name: string, columns: Columns): string {
  const derived = columns.map(([column, { type }]) => `, ${column} ${type}`);
  return `create table views.${name} (key text collate "C" primary key, doc json not null${derived.join('')})`;
}

function createIndexes(name: string, projection: Projection): string[] {
  const lookups = (projection.lookups ?? []).map((field) => {
    if (!/^[a-zA-Z][a-zA-Z0-9]*$/.test(field))
      throw new Error(`${name}: no lookup by ${JSON.stringify(field)}`);
    return `((doc ->> '${field}'))`;
  });
  return [...(projection.rows?.indexes ?? []), ...lookups].map(
    (body, index) => `create index ${name}_${index} on views.${name} ${body}`,
  );
}

/** The columns' SQL runs in the statement itself; a column with an expression of its own arrives as text. */
function upsert(name: string, columns: Columns): string {
  const names = ['key', 'doc', ...columns.map(([column]) => column)];
  const incoming = [
    'key text',
    'doc json',
    ...columns.map(([column, { type, sql }]) => `${column} ${sql ? 'text' : type}`),
  ];
  const values = [
    'r.key',
    'r.doc',
    ...columns.map(([column, { sql }]) => sql?.replaceAll('$value', `r.${column}`) ?? `r.${column}`),
  ];
  return `insert into views.${name} (${names.join(', ')})
    select ${values.join(', ')} from json_to_recordset($1::json) as r(${incoming.join(', ')})
    on conflict (key) do update set ${names
      .slice(1)
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}`;
}

function rowOf(columns: readonly (readonly [string, Column<object>['of']])[]): ViewTable['row'] {
  return (key, doc) => {
    const row: Record<string, unknown> = { key, doc };
    for (const [column, of] of columns) row[column] = of(doc);
    return JSON.stringify(row);
  };
}
