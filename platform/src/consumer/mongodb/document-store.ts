/** Reads of documents in MongoDB together with how far their views are. */
import type { ClientSession } from 'mongodb';
import type { MongoDatabase } from '../../mongodb/database.ts';
import type { CheckpointRow, DocumentStore } from '../../read-store/documents.ts';
import { createMongoDocuments, readOptions } from '../../read-store/mongodb-documents.ts';
import { timed } from '../../telemetry/query-time.ts';
import { consumerCollections } from './collections.ts';

/** Reads by what a majority has, each read not older than the one before. `holds` names the views that are there. */
export function createMongoDocumentStore(
  mongo: MongoDatabase,
  holds: (view: string) => boolean,
): DocumentStore {
  const { checkpoints, parked } = consumerCollections(mongo.db);

  const read = async (session: ClientSession | undefined, views: readonly string[]) => {
    const found = await timed(() =>
      checkpoints.find({ _id: { $in: [...views] } }, readOptions(session)).toArray(),
    );
    const rows = found.map(
      ({ _id, position, through, isLive, epoch, parked: keys }): CheckpointRow => ({
        ...{ consumer: _id, position, through, isLive, epoch },
        parked: keys,
      }),
    );
    return { rows, collections: new Map(found.map(({ _id, collection }) => [_id, collection])) };
  };

  return {
    holds,
    checkpoints: (views) => mongo.causally(async (session) => (await read(session, views)).rows),
    async unowned(views) {
      const held = { _id: { $in: [...views] }, owner: { $ne: null }, leaseUntil: { $gt: await mongo.now() } };
      const owned = await checkpoints.find(held, readOptions(undefined)).toArray();
      return views.filter((view) => !owned.some(({ _id }) => _id === view));
    },
    read: (views, work) =>
      mongo.causally(async (session) => {
        const { rows, collections } = await read(session, views);
        return work(rows, createMongoDocuments(mongo, collections, session));
      }),
    isAnyParked: (keys, minPosition) =>
      mongo.causally(async (session) => {
        const { collections } = await read(session, [...new Set(keys.map(({ view }) => view))]);
        const $or = keys.map(({ view, key }) => ({ collection: collections.get(view) ?? '', key }));
        if ($or.length === 0) return false;
        const filter = { $or, position: { $lte: minPosition } };
        return (await parked.findOne(filter, readOptions(session))) !== null;
      }),
  };
}
