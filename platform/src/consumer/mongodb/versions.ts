/** Versions of a view that stand beside each other in MongoDB: which may be dropped, which come back, and what is left. */
import type { MongoDatabase } from '../../mongodb/database.ts';
import { viewOf } from '../projection.ts';
import type { Sightings } from '../sightings.ts';
import { type CheckpointDocument, consumerCollections } from './collections.ts';

/** See `ViewStore.outdated`. */
export async function outdated(mongo: MongoDatabase, ageMs: number): Promise<readonly string[]> {
  const { checkpoints, candidates } = consumerCollections(mongo.db);
  const now = await mongo.now();
  const before = new Date(now.getTime() - ageMs);
  const seen = new Map<string, Date>();
  for (const { consumer, seenUntil } of await candidates.find().toArray()) {
    const known = seen.get(consumer);
    if (!known || known < seenUntil) seen.set(consumer, seenUntil);
  }
  const all = await checkpoints.find().sort({ _id: 1 }).toArray();
  const seenOf = ({ _id, updatedAt }: CheckpointDocument) => seen.get(_id) ?? updatedAt;
  const wasLive = ({ _id, since, generation }: CheckpointDocument): boolean => {
    const view = viewOf(_id);
    const live = all.find((one) => one._id === view);
    return view !== _id && since < before && live !== undefined && live.generation > generation;
  };
  const isReplaced = (one: CheckpointDocument): boolean =>
    all.some(
      (other) =>
        nameOf(other) === nameOf(one) &&
        viewOf(other._id) === other._id &&
        other._id !== viewOf(one._id) &&
        other.isLive &&
        seenOf(other) > now,
    );
  return all.filter((one) => wasLive(one) || (seenOf(one) < before && isReplaced(one))).map(({ _id }) => _id);
}

/** A view's name without its version. */
function nameOf({ _id }: CheckpointDocument): string {
  return viewOf(_id).replace(/_v\d+$/, '');
}

/** How long a version may be without a process that folds it before it has to catch up again. */
const AWAY_MS = 10 * 60_000;

/** A version that another one has replaced, and that comes back after ten minutes, is not live before it has caught up. */
export async function revive(mongo: MongoDatabase, consumers: readonly string[]): Promise<void> {
  const { checkpoints, candidates } = consumerCollections(mongo.db);
  const live = await checkpoints.find({ isLive: true }).toArray();
  const since = new Date((await mongo.now()).getTime() - AWAY_MS);
  const seen = await candidates.distinct('consumer', { seenUntil: { $gt: since } });
  const isReplaced = (one: CheckpointDocument): boolean =>
    live.some(
      (other) => other._id !== one._id && viewOf(other._id) === other._id && nameOf(other) === nameOf(one),
    );
  for (const one of live) {
    const isBack = consumers.includes(one._id) && !seen.includes(one._id);
    // Whoever has claimed it since then says himself what it is.
    const { _id, epoch } = one;
    if (isBack && isReplaced(one)) await checkpoints.updateOne({ _id, epoch }, { $set: { isLive: false } });
  }
}

/** What collections of views are called, see `firstCollection` and `anotherCollection`. */
const COLLECTION = /^views\.[a-z][a-z0-9_]*_v\d+(\.[0-9a-f]{8})?$/;

/** See `ViewStore.dropLeft`. A generation that begins has a collection before it has a checkpoint. */
export async function dropLeft(
  mongo: MongoDatabase,
  seen: Sightings,
  ageMs: number,
): Promise<readonly string[]> {
  const { checkpoints, parked } = consumerCollections(mongo.db);
  const all = await mongo.db.listCollections({}, { nameOnly: true }).toArray();
  const used = new Set<string | undefined>();
  for (const { collection, former } of await checkpoints.find().toArray())
    used.add(collection).add(former?.collection);
  const names = all.map(({ name }) => name).filter((name) => COLLECTION.test(name) && !used.has(name));
  const left = seen(names.sort(), ageMs);
  for (const collection of left) {
    await parked.deleteMany({ collection });
    await mongo.db.dropCollection(collection);
  }
  return left;
}
