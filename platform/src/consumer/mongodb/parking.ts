/** Parked events in MongoDB. */
import type { AnyBulkWriteOperation, ClientSession, Filter } from 'mongodb';
import type { Position } from '../../event-store/port.ts';
import type { MongoDatabase } from '../../mongodb/database.ts';
import type { ParkedDocument } from '../postgres/parked.ts';
import type { Claim, ParkedEvent } from '../store.ts';
import { consumerCollections, type ParkedEventDocument, type ViewDocument, within } from './collections.ts';

/** Queues events behind their keys. Those that an attempt before has queued stay as they are. */
export async function park(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  collection: string,
  events: readonly ParkedEvent[],
): Promise<void> {
  const parkedAt = await mongo.now();
  const writes: AnyBulkWriteOperation<ParkedEventDocument>[] = events.map((event) => ({
    updateOne: {
      filter: { _id: `${collection}/${event.position}/${event.key}` },
      update: { $setOnInsert: { collection, ...event, parkedAt } },
      upsert: true,
    },
  }));
  await consumerCollections(mongo.db).parked.bulkWrite(writes, { ordered: false, ...within(session) });
}

/**
 * Empties a key's queue up to the checkpoint that a repair was made under: where the lease is another's by now, and there
 * are no transactions, what that one has queued since stays.
 */
export async function unpark(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  queue: { readonly collection: string; readonly key: string; readonly upTo: Position },
): Promise<void> {
  const { collection, key, upTo } = queue;
  const { parked } = consumerCollections(mongo.db);
  await parked.deleteMany({ collection, key, position: { $lte: upTo } }, within(session));
}

/**
 * Forgets what is parked in vain where there are no transactions: beyond the checkpoint, whose batch comes again (only at
 * the beginning of a term), and what its document reflects, which an owner parked that had lost the lease without knowing.
 */
export async function forgetVain(
  mongo: MongoDatabase,
  { consumer: _id, epoch }: Claim,
  { isBeginning }: { readonly isBeginning: boolean },
): Promise<void> {
  const { parked, checkpoints } = consumerCollections(mongo.db);
  const found = await checkpoints.findOne({ _id, epoch });
  if (!found) return;
  const { collection, position } = found;
  const keys = await parked.distinct('key', { collection });
  if (keys.length === 0) return;
  const documents = await mongo.db
    .collection<ViewDocument>(collection)
    .find({ _id: { $in: keys } }, { projection: { position: 1 } })
    .toArray();
  const vain: Filter<ParkedEventDocument>[] = documents.map((one) => ({
    key: one._id,
    position: { $lte: one.position },
  }));
  if (isBeginning) vain.push({ position: { $gt: position } });
  if (vain.length === 0) return;
  const { deletedCount } = await parked.deleteMany({ collection, $or: vain });
  if (deletedCount === 0) return;
  const left = await countParked(mongo, undefined, collection);
  // A commit that has moved the checkpoint since may have parked more than was counted.
  await checkpoints.updateOne({ _id, epoch, position }, { $set: { parked: left } });
}

/** How many keys have parked events. */
export async function countParked(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  collection: string,
): Promise<number> {
  const pipeline = [{ $match: { collection } }, { $group: { _id: '$key' } }];
  const { parked } = consumerCollections(mongo.db);
  return (await parked.aggregate(pipeline, within(session)).toArray()).length;
}

/** See `ViewStore.parkedKeys`. */
export async function parkedKeys(mongo: MongoDatabase, collection: string): Promise<readonly string[]> {
  return (await consumerCollections(mongo.db).parked.distinct('key', { collection })).sort();
}

/** See `ViewStore.parkedEvents`. */
export async function parkedEvents(
  mongo: MongoDatabase,
  { collection, key }: { readonly collection: string; readonly key: string },
  after: Position | null,
  limit: number,
): Promise<readonly ParkedEvent[]> {
  const filter: Filter<ParkedEventDocument> = { collection, key };
  const found = await consumerCollections(mongo.db)
    .parked.find(after === null ? filter : { ...filter, position: { $gt: after } })
    .sort({ position: 1 })
    .limit(limit)
    .toArray();
  // Some servers drop a null that an upsert sets.
  return found.map(({ stream, revision, position, error = null }) => ({
    key,
    stream,
    revision,
    position,
    error,
  }));
}

/** As `parkedDocuments` of PostgreSQL. */
export async function parkedDocuments(
  mongo: MongoDatabase,
  { consumer, limit }: { readonly consumer?: string | null | undefined; readonly limit: number },
): Promise<readonly ParkedDocument[]> {
  const { parked, checkpoints } = consumerCollections(mongo.db);
  const consumers = await checkpoints.find(consumer ? { _id: consumer } : {}).toArray();
  const names = new Map(consumers.map(({ _id, collection }) => [collection, _id]));
  const events = await parked
    .find({ collection: { $in: [...names.keys()] } })
    .sort({ collection: 1, key: 1, position: 1 })
    .toArray();
  const documents = new Map<string, ParkedDocument>();
  for (const { collection, key, position, stream, revision, error, parkedAt } of events) {
    const id = `${collection}/${key}`;
    const event = { consumer: names.get(collection) ?? '', key, position, stream, revision };
    const first = documents.get(id) ?? { ...event, error: '', parkedAt: parkedAt.toISOString(), events: 0 };
    documents.set(id, { ...first, error: first.error || (error ?? ''), events: first.events + 1 });
  }
  return [...documents.values()].sort((a, b) => (a.parkedAt < b.parkedAt ? -1 : 1)).slice(0, limit);
}
