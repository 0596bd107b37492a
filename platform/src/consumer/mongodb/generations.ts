/**
 * Generations of views in MongoDB. Each has a collection of its own, and the checkpoint names it: a switch is the update
 * of one checkpoint, so readers, who read that first, see one generation or the other, also without transactions. With
 * them the rest of a switch is in the same one; without, it stands in the checkpoint until it is done, and whoever comes
 * next does it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession } from 'mongodb';
import type { Position } from '../../event-store/port.ts';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { besideOf, viewOf } from '../projection.ts';
import { GenerationBehind, type PendingGeneration, type Repair } from '../store.ts';
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
  const live = await settled(mongo, request.consumer);
  if (await isWaiting(mongo, request.id)) await swapNow(mongo, live, { request, outcome });
}

/** Ends switches that somebody died in: what was asked for then is done and says so, rather than waits to be done again. */
export async function settle(mongo: MongoDatabase): Promise<void> {
  const halfway = await checkpointsOf(mongo)
    .find({ former: { $ne: null } })
    .toArray();
  for (const { _id } of halfway) await settled(mongo, _id);
}

/** How long the live generation stands still, at most, for the one beside to draw level. Its readers read on. */
const PAUSE_MS = 1_000;
const LOOK_MS = 10;

async function swapNow(
  mongo: MongoDatabase,
  known: CheckpointDocument | null,
  repair: Repair,
): Promise<void> {
  const checkpoints = checkpointsOf(mongo);
  const view = repair.request.consumer;
  if (!known || !isLevel(await checkpoints.findOne({ _id: besideOf(view) }), known)) throw behind(view);
  const session = (await mongo.hasTransactions()) ? mongo.openSession() : undefined;
  try {
    const live = await pause(mongo, repair, session);
    await switchPaused(mongo, session, live, repair).catch(async (error: unknown) => {
      const mine = { _id: view, epoch: live.epoch };
      await checkpoints.updateOne(mine, { $set: { owner: null, leaseUntil: null } });
      throw error;
    });
  } finally {
    await session?.endSession();
  }
}

async function switchPaused(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  live: CheckpointDocument,
  repair: Repair,
): Promise<void> {
  const other = await fenceOnceLevel(mongo, live);
  if (session) await mongo.transaction(() => switchTogether(mongo, session, live, repair), session);
  else await switchFirst(mongo, live, other, repair);
}

/** Switches, and does all that follows, in the transaction of `session`. */
async function switchTogether(
  mongo: MongoDatabase,
  session: ClientSession,
  { _id, epoch }: CheckpointDocument,
  repair: Repair,
): Promise<void> {
  const checkpoints = checkpointsOf(mongo);
  const beside = { _id: besideOf(_id) };
  const live = await checkpoints.findOne({ _id, epoch }, { session });
  const other = await checkpoints.findOne(beside, { session });
  if (!live || !other || !isLevel(other, live)) throw behind(_id);
  const { id } = repair.request;
  if (!(await isWaiting(mongo, id, session))) return;
  const since = await mongo.now();
  const next = { ...successor(live, other), since, switchedBy: id, former: null };
  const former = { ...generationOf(live), epoch: next.epoch, owner: null, leaseUntil: null, since };
  await checkpoints.updateOne({ _id, epoch }, { $set: next }, { session });
  await checkpoints.updateOne(beside, { $set: former }, { session });
  await note(mongo, session, repair);
}

/** Switches, and then has done what follows: until it is, the checkpoint says what that is. */
async function switchFirst(
  mongo: MongoDatabase,
  live: CheckpointDocument,
  other: CheckpointDocument,
  { request, outcome }: Repair,
): Promise<void> {
  const said = { switchedBy: request.id, switchedAs: outcome, former: generationOf(live) };
  const next = { ...successor(live, other), since: await mongo.now(), ...said };
  const { _id, epoch } = live;
  const switched = await checkpointsOf(mongo).updateOne({ _id, epoch }, { $set: next });
  if (switched.matchedCount === 0) throw behind(_id);
  await settled(mongo, _id);
}

/** What the checkpoint of `live` becomes where `other` takes its place. */
function successor(
  live: CheckpointDocument,
  other: CheckpointDocument,
): Generation & Pick<CheckpointDocument, 'epoch' | 'owner' | 'leaseUntil'> {
  return {
    ...generationOf(other),
    // What lies between the two checkpoints was nothing to either, so the new one says no less than the old one did.
    position: later(other.position, live.position),
    through: later(throughOf(other), live.through),
    epoch: Math.max(live.epoch, other.epoch) + 1,
    ...{ owner: null, leaseUntil: null },
  };
}

/**
 * Takes the live generation's lease, so that it stays where it is for a while: under load the two are level for moments
 * only. Whoever takes the lease after that ends what is left in `session`.
 */
async function pause(
  mongo: MongoDatabase,
  { request: { id, consumer: view } }: Repair,
  session: ClientSession | undefined,
): Promise<CheckpointDocument> {
  const leaseUntil = new Date((await mongo.now()).getTime() + PAUSE_MS);
  const live = await checkpointsOf(mongo).findOneAndUpdate(
    { _id: view },
    { $set: { owner: `switch ${id}`, leaseUntil, session: session?.id ?? null }, $inc: { epoch: 1 } },
    { returnDocument: 'after' },
  );
  if (!live) throw behind(view);
  return live;
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
  const { former, collection, switchedBy: id, switchedAs: outcome } = live;
  const since = await mongo.now();
  const changed = { ...former, owner: null, leaseUntil: null, since };
  await checkpoints.updateOne({ _id: besideOf(view), collection }, { $set: changed, $inc: { epoch: 1 } });
  if (id && outcome) await note(mongo, undefined, { request: { id }, outcome });
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
