/** Collections and their indexes in MongoDB. */
import type { Db } from 'mongodb';
import type { MongoDatabase } from '../../mongodb/database.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { consumerCollections, viewCollection } from './collections.ts';

/**
 * Makes what is missing: collections first, since a transaction had better not make them. An index that a crash left out
 * is waited for by nobody: on a large collection it takes long, and the view is right without it.
 */
export async function prepareCollections(
  mongo: MongoDatabase,
  views: ReadonlyMap<string, readonly string[]>,
  logger: Logger | undefined,
): Promise<void> {
  const { db } = mongo;
  const { parked, requests: asked, candidates } = consumerCollections(db);
  const existing = new Set(
    (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
  );
  for (const { collectionName: name } of [parked, asked, candidates])
    if (!existing.has(name)) await createCollection(db, name, []);
  await parked.createIndex({ collection: 1, key: 1, position: 1 });
  for (const [view, lookups] of views) {
    const name = (await viewCollection(db, view))?.collectionName;
    if (name === undefined) continue;
    if (existing.has(name))
      void createIndexes(db, name, lookups).catch((error: unknown) =>
        logger?.warn({ error, view }, 'an index could not be made; the next start tries again'),
      );
    else await createCollection(db, name, lookups);
  }
}

const NAMESPACE_EXISTS = 48;

/** Makes a collection, where it is not there, with an index per lookup. */
export async function createCollection(db: Db, name: string, lookups: readonly string[]): Promise<void> {
  await db.createCollection(name).catch((error: unknown) => {
    const isThere = error instanceof Error && 'code' in error && error.code === NAMESPACE_EXISTS;
    if (!isThere) throw error;
  });
  await createIndexes(db, name, lookups);
}

/** Those that are there already cost one command for all. */
async function createIndexes(db: Db, name: string, lookups: readonly string[]): Promise<void> {
  if (lookups.length === 0) return;
  await db.collection(name).createIndexes(lookups.map((field) => ({ key: { [`doc.${field}`]: 1 } })));
}
