/** The document read port on JSON documents in PostgreSQL. */
import type { Queryable } from '../postgres/shared-connections.ts';
import type { Documents, FoundWith, Named } from './documents.ts';

const VIEW = /^[a-z][a-z0-9_]*$/;
const FIELD = /^[a-zA-Z][a-zA-Z0-9]*$/;

/** Reads on `client`: the connection that freshness gives, so that its claim covers the documents. */
export function createPostgresDocuments(client: Queryable): Documents {
  return {
    async findByIds<Doc extends object>(view: string, ids: readonly string[]) {
      if (ids.length === 0) return new Map();
      const { rows } = await client.query<{ key: string; doc: Doc }>({
        name: `ids_${view}`,
        text: `select key, doc from views.${checked(view, VIEW)} where key = any ($1)`,
        values: [ids],
      });
      return new Map(rows.map(({ key, doc }) => [key, doc]));
    },
    async findWith<Doc extends object, Other extends object>(
      view: string,
      named: Named,
      { field, view: other }: { readonly field: string; readonly view: string },
    ) {
      const by = 'key' in named ? 'key' : named.field;
      const { rows } = await client.query<FoundWith<Doc, Other>>({
        name: `with_${field}_by_${by}_${view}`,
        text: `select key, doc, coalesce((
            select json_object_agg(other.key, other.doc) from views.${checked(other, VIEW)} other
            where other.key = any (found."${checked(field, FIELD)}")), '{}') as others
          from views.${checked(view, VIEW)} found where "${checked(by, FIELD)}" = $1 limit 1`,
        values: ['key' in named ? named.key : named.value],
      });
      return rows[0] ?? null;
    },
    async findBy<Doc extends object>(view: string, field: string, value: string) {
      const { rows } = await client.query<{ key: string; doc: Doc }>({
        name: `by_${field}_${view}`,
        text: `select key, doc from views.${checked(view, VIEW)} where "${checked(field, FIELD)}" = $1 limit 1`,
        values: [value],
      });
      return rows[0] ?? null;
    },
  };
}

/** Names are of our own making, but they become part of the statement. */
function checked(name: string, pattern: RegExp): string {
  if (!pattern.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a view or field`);
  return name;
}
