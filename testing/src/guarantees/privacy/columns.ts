/** Every column of every table of a database, and where markers stand in them. */
import pg from 'pg';
import type { Markers } from './markers.ts';

export interface Columns {
  /** `schema.table.column`: the places of the markers in it; columns without any are not named. */
  readonly findings: ReadonlyMap<string, readonly string[]>;
  readonly tables: number;
  readonly columns: number;
}

/** Reads all there is, as text. */
export async function scanColumns(databaseUrl: string, markers: Markers): Promise<Columns> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ schema: string; name: string; columns: string[] }>(
      `select t.table_schema as schema, t.table_name as name, array_agg(c.column_name::text) as columns
       from information_schema.tables t join information_schema.columns c using (table_schema, table_name)
       where t.table_type = 'BASE TABLE' and t.table_schema not in ('pg_catalog', 'information_schema')
       group by 1, 2`,
    );
    const findings = new Map<string, string[]>();
    let columns = 0;
    for (const { schema, name, columns: names } of tables.rows) {
      columns += names.length;
      const table = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`;
      const texts = names.map((column) => `${client.escapeIdentifier(column)}::text`).join(', ');
      const { rows } = await client.query<(string | null)[]>({
        text: `select ${texts} from ${table}`,
        rowMode: 'array',
      });
      for (const [index, column] of names.entries()) {
        const found = markers.find(rows.map((row) => row[index] ?? '').join('\n'));
        if (found.length > 0) findings.set(`${schema}.${name}.${column}`, found);
      }
    }
    return { findings, tables: tables.rows.length, columns };
  } finally {
    await client.end();
  }
}
