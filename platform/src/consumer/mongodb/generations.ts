/**
 * Generations of views in MongoDB. Each has a collection of its own, and the checkpoint names it: a switch is the update
 * of one checkpoint, so readers, who read that first, see one generation or the other, also without transactions. What
 * follows of a switch stands in the checkpoint until it is done, and whoever comes next does it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Position } from '../../event-store/port.ts';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { besideOf, viewOf } from '../projection.ts';
import { GenerationBehind, type PendingGeneration } from '../store.ts';
import { initialCheckpoint, insertMissing } from './checkpoints.ts';
import {
  anotherCollection,
  type CheckpointDocument,
  consumerCollections,
  firstCollection,
  type Generation,
} from './collections.ts';
import { isWaiting, note } from './requests.ts';

function checkpointsOf({ db }: MongoDatabase) {
  return consumerCollections(db).checkpoints;
}

/** See `ViewStore.begin`. `create` makes a collection with the view's indexes. */
export async function begin(
  mongo: MongoDatabase,
  { view, start, graceMs }: { readonly view: string; readonly start: Position; readonly graceMs: number },
  create: (collection: string) => Promise<void>,
): Promise<void> {
  const beside = besideOf(view);
  const live = await settled(mongo, view);
  if (!live) return;
  const other = await checkpointsOf(mongo).findOne({ _id: beside });
  if (other && other.generation > live.generation) return;
  if (other) await end(mongo, other, graceMs);
  const collection = anotherCollection(view);
  await create(collection);
  const generation = { fingerprint: live.fingerprint, generation: live.generation + 1, collection };
  const checkpoint = initialCheckpoint(beside, generation, start, await mongo.now());
  // Whoever comes second has nothing to do.
  const isFirst = await insertMissing(() => checkpointsOf(mongo).insertOne(checkpoint));
  if (!isFirst) await mongo.db.dropCollection(collection);
}

/** See `ViewStore.swap`. */
export async function swap(mongo: MongoDatabase, request: PendingGeneration, outcome: string): Promise<void> {
  const { id, consumer: view } = request;
  const live = await settled(mongo, view);
  if (!(await isWaiting(mongo, id))) return;
  if (live?.switchedBy !== id) await swapNow(mongo, live, view, id);
  await settled(mongo, view);
  await note(mongo, undefined, { request, outcome });
}

/** How long the live generation stands still, at most, for the one beside to draw level. Its readers read on. */
const PAUSE_MS = 1_000;
const LOOK_MS = 10;

async function swapNow(
  mongo: MongoDatabase,
  known: CheckpointDocument | null,
  view: string,
  switchedBy: string,
): Promise<void> {
  const checkpoints = checkpointsOf(mongo);
  if (!known || !isLevel(await checkpoints.findOne({ _id: besideOf(view) }), known)) throw behind(view);
  const live = await pause(mongo, view, switchedBy);
  if (!live) throw behind(view);
  const mine = { _id: view, epoch: live.epoch };
  try {
    const other = await fenceOnceLevel(mongo, live);
    // What lies between the two checkpoints was nothing to either, so the new one says no less than the old one did.
    const next = {
      ...generationOf(other),
      position: later(other.position, live.position),
      through: later(throughOf(other), live.through),
    };
    const freed = { epoch: other.epoch, owner: null, leaseUntil: null };
    const switched = await checkpoints.updateOne(mine, {
      $set: { ...next, ...freed, since: await mongo.now(), switchedBy, former: generationOf(live) },
    });
    if (switched.matchedCount === 0) throw behind(view);
  } catch (error) {
    await checkpoints.updateOne(mine, { $set: { owner: null, leaseUntil: null } });
    throw error;
  }
}

/** Takes the live generation's lease, so that it stays where it is for a while: under load the two are level for moments only. */
async function pause(
  mongo: MongoDatabase,
  view: string,
  switchedBy: string,
): Promise<CheckpointDocument | null> {
  const leaseUntil = new Date((await mongo.now()).getTime() + PAUSE_MS);
  return checkpointsOf(mongo).findOneAndUpdate(
    { _id: view },
    { $set: { owner: `switch ${switchedBy}`, leaseUntil }, $inc: { epoch: 1 } },
    { returnDocument: 'after' },
  );
}

/** Waits until the generation beside is level with `live`, and sees to it that nobody commits to it any more. */
async function fenceOnceLevel(mongo: MongoDatabase, live: CheckpointDocument): Promise<CheckpointDocument> {
  const checkpoints = checkpointsOf(mongo);
  const deadline = performance.now() + PAUSE_MS;
  while (performance.now() < deadline) {
    const other = await checkpoints.findOne({ _id: besideOf(live._id) });
    if (other && isLevel(other, live)) {
      const epoch = Math.max(live.epoch, other.epoch) + 1;
      const fenced = await checkpoints.updateOne(
        { _id: other._id, epoch: other.epoch, position: other.position },
        { $set: { epoch, owner: null, leaseUntil: null } },
      );
      if (fenced.matchedCount > 0) return { ...other, epoch };
    }
    await sleep(LOOK_MS);
  }
  throw behind(live._id);
}

function throughOf({ position, through }: CheckpointDocument): Position {
  return later(position, through);
}

function isLevel(other: CheckpointDocument | null, live: CheckpointDocument): boolean {
  return other !== null && throughOf(other) >= live.position;
}

function behind(view: string): GenerationBehind {
  return new GenerationBehind(`${besideOf(view)} does not reflect all that ${view} does`);
}

/** The checkpoint of a view, once what a switch has left to do is done. */
async function settled(mongo: MongoDatabase, view: string): Promise<CheckpointDocument | null> {
  const checkpoints = checkpointsOf(mongo);
  const live = await checkpoints.findOne({ _id: view });
  if (!live?.former) return live;
  const { former, collection } = live;
  const since = await mongo.now();
  const changed = { ...former, owner: null, leaseUntil: null, since };
  await checkpoints.updateOne({ _id: besideOf(view), collection }, { $set: changed, $inc: { epoch: 1 } });
  await checkpoints.updateOne({ _id: view, collection }, { $set: { former: null } });
  return { ...live, former: null };
}

function generationOf(checkpoint: CheckpointDocument): Generation {
  const { collection, generation, fingerprint, position, through, isLive } = checkpoint;
  const { heldPosition, heldError, parked, updatedAt, mark } = checkpoint;
  return {
    ...{ collection, generation, fingerprint, position, through, isLive },
    ...{ heldPosition, heldError, parked, updatedAt, mark },
  };
}

function later(one: Position, other: Position): Position {
  return one > other ? one : other;
}

/** See `ViewStore.drop`. */
export async function drop(mongo: MongoDatabase, consumer: string, graceMs: number): Promise<void> {
  await settled(mongo, viewOf(consumer));
  const found = await checkpointsOf(mongo).findOne({ _id: consumer });
  if (found) await end(mongo, found, graceMs);
  else if (consumer === viewOf(consumer)) await dropLeftOver(mongo, consumer, graceMs);
}

/** Drops collections of a version that is gone: whoever ended it may have died before it dropped them. */
async function dropLeftOver(mongo: MongoDatabase, view: string, graceMs: number): Promise<void> {
  const first = firstCollection(view);
  await sleep(graceMs);
  for (const { name } of await mongo.db.listCollections({}, { nameOnly: true }).toArray()) {
    if (name !== first && !name.startsWith(`${first}.`)) continue;
    const standing = await checkpointsOf(mongo).findOne({ _id: { $in: [view, besideOf(view)] } });
    if (!standing) await mongo.db.dropCollection(name);
  }
}

/** Ends a generation where it still stands: its checkpoint first, its collection once its owner has noticed. */
async function end(
  mongo: MongoDatabase,
  { _id, collection }: CheckpointDocument,
  graceMs: number,
): Promise<void> {
  const { deletedCount } = await checkpointsOf(mongo).deleteOne({ _id, collection });
  if (deletedCount === 0) return;
  await consumerCollections(mongo.db).parked.deleteMany({ collection });
  await sleep(graceMs);
  await mongo.db.dropCollection(collection);
}

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
