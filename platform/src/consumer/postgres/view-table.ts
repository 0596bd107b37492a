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
    skewed: skewed(name, columns),
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
  // Without names of their own, which the indexes of another generation might have taken.
  return [...(projection.rows?.indexes ?? []), ...lookups].map(
    (body) => `create index on views.${name} ${body}`,
  );
}

/** `$1` as rows of the table. A column with an expression of its own arrives as text, the expression runs here. */
function incoming(columns: Columns): { readonly names: readonly string[]; readonly select: string } {
  const types = columns.map(([column, { type, sql }]) => `${column} ${sql ? 'text' : type}`);
  const values = columns.map(
    ([column, { sql }]) => `${sql?.replaceAll('$value', `r.${column}`) ?? `r.${column}`} as ${column}`,
  );
  return {
    names: ['key', 'doc', ...columns.map(([column]) => column)],
    select: `select ${['r.key', 'r.doc', ...values].join(', ')}
      from json_to_recordset($1::json) as r(${['key text', 'doc json', ...types].join(', ')})`,
  };
}

function upsert(name: string, columns: Columns): string {
  const { names, select } = incoming(columns);
  const updates = names.slice(1).map((column) => `${column} = excluded.${column}`);
  return `insert into views.${name} (${names.join(', ')}) ${select}
    on conflict (key) do update set ${updates.join(', ')}`;
}

function skewed(name: string, columns: Columns): string | null {
  if (columns.length === 0) return null;
  const differ = columns.map(([column]) => `e.${column} is distinct from v.${column}`);
  return `select v.key from (${incoming(columns).select}) e join views.${name} v on v.key = e.key
    where ${differ.join(' or ')} order by v.key`;
}

function rowOf(columns: readonly (readonly [string, Column<object>['of']])[]): ViewTable['row'] {
  return (key, doc) => {
    const row: Record<string, unknown> = { key, doc };
    for (const [column, of] of columns) row[column] = of(doc);
    return JSON.stringify(row);
  };
}
