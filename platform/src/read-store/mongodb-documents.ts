/** The document read port on MongoDB. */
import type { ClientSession, Filter } from 'mongodb';
import { type ViewDocument, within } from '../consumer/mongodb/collections.ts';
import type { MongoDatabase } from '../mongodb/database.ts';
import { timed } from '../telemetry/query-time.ts';
import type { Documents, Named, Reference } from './documents.ts';

const FIELD = /^[a-zA-Z][a-zA-Z0-9]*$/;

/**
 * Reads the views in `collections`, by the names that their checkpoints give; in `session`, where there is one: not older
 * than what was read in it before.
 */
export function createMongoDocuments(
  { db }: MongoDatabase,
  collections: ReadonlyMap<string, string>,
  session?: ClientSession,
): Documents {
  const find = (view: string, filter: Filter<ViewDocument>) => {
    const name = collections.get(view);
    if (name === undefined) throw new Error(`${JSON.stringify(view)} is no name of a view that is read here`);
    return db.collection<ViewDocument>(name).find(filter, readOptions(session));
  };
  const findByIds: Documents['findByIds'] = async <Doc extends object>(
    view: string,
    ids: readonly string[],
  ) => {
    if (ids.length === 0) return new Map();
    const found = await timed(() => find(view, { _id: { $in: [...ids] } }).toArray());
    return new Map(found.flatMap(({ _id, doc }) => (doc ? [[_id, doc as Doc] as const] : [])));
  };
  const findOne = async <Doc extends object>(view: string, filter: Filter<ViewDocument>) => {
    const [found] = await timed(() => find(view, filter).limit(1).toArray());
    return found?.doc ? { key: found._id, doc: found.doc as Doc } : null;
  };

  return {
    findByIds,
    findBy: <Doc extends object>(view: string, field: string, value: string) =>
      findOne<Doc>(view, { [fieldOf(field)]: value }),
    async findWith<Doc extends object, Other extends object>(
      view: string,
      named: Named,
      { field, view: other }: Reference,
    ) {
      const path = fieldOf(field);
      const filter = 'key' in named ? { _id: named.key } : { [fieldOf(named.field)]: named.value };
      const found = await findOne<Doc>(view, filter);
      if (!found) return null;
      const keys: unknown = (found.doc as Readonly<Record<string, unknown>>)[path.slice('doc.'.length)];
      const others = await findByIds<Other>(other, Array.isArray(keys) ? keys : []);
      return { ...found, others: Object.fromEntries(others) };
    },
  };
}

/** The path of a document's field. Throws for what is no name. */
function fieldOf(field: string): string {
  if (!FIELD.test(field)) throw new Error(`${JSON.stringify(field)} is no name of a field`);
  return `doc.${field}`;
}

/** What a majority has, of replica sets: a new primary does not take it back. */
export function readOptions(session: ClientSession | undefined) {
  return session ? { ...within(session), readConcern: { level: 'majority' } as const } : {};
}
