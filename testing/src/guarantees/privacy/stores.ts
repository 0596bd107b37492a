/** All that a stack stores, wherever that is, and where markers stand in it. */
import { consumerCollections } from '@annals/platform/consumer/mongodb/collections';
import { type MongoDatabase, openMongo } from '@annals/platform/mongodb/database';
import pg from 'pg';
import type { TestStack } from '../../stack.ts';
import { readLog } from '../log-reader.ts';
import { type Columns, scanColumns } from './columns.ts';
import type { Markers } from './markers.ts';

type Stores = Pick<TestStack, 'databaseUrl' | 'mongodbUrl' | 'eventstoreUrl'>;

/** Columns of PostgreSQL, fields of MongoDB's documents, and the events of a log that is in neither. */
export async function scanStores(stack: Stores, markers: Markers): Promise<Columns> {
  const rows = await scanColumns(stack.databaseUrl, markers);
  const documents = await inMongo(stack, (mongo) => scanFields(mongo, markers));
  const findings = new Map([...rows.findings, ...(documents?.findings ?? [])]);
  if (stack.eventstoreUrl !== undefined) {
    const found = markers.find(JSON.stringify(await readLog(stack)));
    if (found.length > 0) findings.set('the log', found);
  }
  return {
    findings,
    tables: rows.tables + (documents?.tables ?? 0),
    columns: rows.columns + (documents?.columns ?? 0),
  };
}

/** How many events are parked. */
export async function countParked(stack: Stores): Promise<number> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const here = await client.query('select from consumers.parked_events').finally(() => client.end());
  const there = await inMongo(stack, ({ db }) => consumerCollections(db).parked.countDocuments());
  return (here.rowCount ?? 0) + (there ?? 0);
}

async function inMongo<Result>(
  { mongodbUrl }: Stores,
  work: (mongo: MongoDatabase) => Promise<Result>,
): Promise<Result | null> {
  if (mongodbUrl === null) return null;
  const mongo = openMongo({ url: mongodbUrl, application: 'guarantees' });
  return work(mongo).finally(() => mongo.close());
}

/** `collection.field`, named as the columns of the same views in PostgreSQL are. */
async function scanFields({ db }: MongoDatabase, markers: Markers): Promise<Columns> {
  const findings = new Map<string, string[]>();
  const fields = new Set<string>();
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  for (const { name } of collections) {
    const texts = new Map<string, string[]>();
    for (const document of await db.collection(name).find().toArray()) {
      for (const [field, value] of Object.entries(document)) {
        const place = `${name}.${field}`;
        texts.set(place, [...(texts.get(place) ?? []), JSON.stringify(value)]);
      }
    }
    for (const [place, values] of texts) {
      fields.add(place);
      const found = markers.find(values.join('\n'));
      if (found.length > 0) findings.set(place, found);
    }
  }
  return { findings, tables: collections.length, columns: fields.size };
}
