/** Checkpoints and leases in MongoDB. The server's clock decides whether a lease has run out. */
import type { ClientSession, Filter, ServerSessionId } from 'mongodb';
import type { Position } from '../../event-store/port.ts';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { hasTakenTooLong } from '../../mongodb/errors.ts';
import {
  type Candidate,
  type Claim,
  type ConsumerStatus,
  FingerprintChanged,
  type Hold,
  type Holding,
  LeaseLost,
  type Registration,
} from '../store.ts';
import {
  anotherCollection,
  type CheckpointDocument,
  consumerCollections,
  firstCollection,
  within,
} from './collections.ts';

/** When a version was last attended is known for so long: it counts until it is dropped, after a day. */
const KNOWN_MS = 2 * 24 * 60 * 60_000;

function checkpointsOf({ db }: MongoDatabase) {
  return consumerCollections(db).checkpoints;
}

/** Registers consumers at `start`. Throws {@link FingerprintChanged}; then none was registered. */
export async function register(
  mongo: MongoDatabase,
  registrations: readonly Registration[],
  start: Position,
): Promise<void> {
  await refuseChanged(mongo, registrations);
  const updatedAt = await mongo.now();
  const collections = await mongo.db.listCollections({}, { nameOnly: true }).toArray();
  const taken = new Set(collections.map(({ name }) => name));
  const documents = registrations.map(({ consumer, fingerprint }) => {
    const first = firstCollection(consumer);
    // What was dropped by half is left over, and must not be folded over from the start.
    const collection = taken.has(first) ? anotherCollection(consumer) : first;
    return initialCheckpoint(consumer, { fingerprint, generation: 1, collection }, start, updatedAt);
  });
  await insertMissing(() => checkpointsOf(mongo).insertMany(documents, { ordered: false }));
  // Another process may have registered others in the meantime.
  await refuseChanged(mongo, registrations);
}

async function refuseChanged(mongo: MongoDatabase, registrations: readonly Registration[]): Promise<void> {
  const _id = { $in: registrations.map(({ consumer }) => consumer) };
  const known = await checkpointsOf(mongo).find({ _id }).toArray();
  const fingerprints = new Map(known.map((one) => [one._id, one.fingerprint]));
  const changed = registrations
    .filter(({ consumer, fingerprint }) => (fingerprints.get(consumer) ?? fingerprint) !== fingerprint)
    .map(({ consumer }) => consumer);
  if (changed.length > 0) throw new FingerprintChanged(changed.sort());
}

/** The checkpoint of a generation that is empty. */
export function initialCheckpoint(
  consumer: string,
  generation: Pick<CheckpointDocument, 'fingerprint' | 'generation' | 'collection'>,
  start: Position,
  now: Date,
): CheckpointDocument {
  return {
    ...{ _id: consumer, ...generation, position: start, through: start, isLive: false },
    ...{ epoch: 0, owner: null, leaseUntil: null, heldPosition: null, heldError: null },
    ...{ session: null, parked: 0, mark: null, updatedAt: now, since: now, switchedBy: null, former: null },
  };
}

const DUPLICATE = 11_000;

/** Inserts; what is there already stays. True where nothing was there. */
export async function insertMissing(insert: () => Promise<unknown>): Promise<boolean> {
  try {
    await insert();
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === DUPLICATE)) throw error;
    return false;
  }
}

/** See `ConsumerStore.attend`. */
export async function attend(
  mongo: MongoDatabase,
  owner: string,
  consumers: readonly string[],
  ttlMs: number,
): Promise<readonly Candidate[]> {
  const { candidates } = consumerCollections(mongo.db);
  const now = await mongo.now();
  const seenUntil = new Date(now.getTime() + ttlMs);
  const entries = consumers.map((consumer) => ({ _id: `${consumer} ${owner}`, consumer, owner }));
  if (entries.length > 0) {
    const writes = entries.map(({ _id, ...entry }) => ({
      updateOne: { filter: { _id }, update: { $set: { ...entry, seenUntil } }, upsert: true },
    }));
    await candidates.bulkWrite(writes, { ordered: false });
  }
  const all = await candidates.find().toArray();
  const gone = all.filter((one) => one.seenUntil.getTime() < now.getTime() - KNOWN_MS);
  if (gone.length > 0) await candidates.deleteMany({ _id: { $in: gone.map(({ _id }) => _id) } });
  return all
    .filter((one) => one.seenUntil > now)
    .map((one) => ({ consumer: one.consumer, owner: one.owner }));
}

/** How long a claim waits for the checkpoint, in milliseconds. */
const CLAIM_MS = 1_000;

/**
 * See `ConsumerStore.claim`: the new epoch is in the documents' own store before their first read under it. Commits go
 * out in `session`; what a former owner left open in its own holds the checkpoint, and is ended first. What it begins
 * between the two holds it as well: then nothing is claimed, and the next claim ends that.
 */
export async function claim(
  mongo: MongoDatabase,
  consumer: string,
  owner: string,
  leaseMs: number,
  session?: ServerSessionId,
): Promise<{ readonly claim: Claim; readonly collection: string } | null> {
  const now = await mongo.now();
  const isFree = [{ owner: null }, { owner }, { leaseUntil: { $lt: now } }];
  const free = { _id: consumer, $or: isFree };
  const former = session && (await checkpointsOf(mongo).findOne(free))?.session;
  if (former) await mongo.killSession(former);
  const set = { owner, leaseUntil: until(now, leaseMs), session: session ?? null };
  const options = { returnDocument: 'after', maxTimeMS: CLAIM_MS } as const;
  const found = await checkpointsOf(mongo)
    .findOneAndUpdate(free, { $set: set, $inc: { epoch: 1 } }, options)
    .catch((error: unknown) => {
      if (hasTakenTooLong(error)) return null;
      throw error;
    });
  if (!found) return null;
  const { epoch, position, isLive, heldPosition, collection } = found;
  return { claim: { consumer, leaseMs, epoch, position, isLive, heldAt: heldPosition }, collection };
}

/** See `ConsumerStore.renew`: one command each, so that none waits for the commit of another consumer. */
export async function renew(mongo: MongoDatabase, holdings: readonly Holding[]): Promise<readonly Claim[]> {
  const kept = await Promise.all(holdings.map((holding) => renewOne(mongo, holding)));
  return holdings.filter((_, index) => !kept[index]).map(({ claim }) => claim);
}

async function renewOne(mongo: MongoDatabase, { claim, through }: Holding): Promise<boolean> {
  const { consumer: _id, epoch, position, leaseMs } = claim;
  const checkpoints = checkpointsOf(mongo);
  const lease = { $set: { leaseUntil: until(await mongo.now(), leaseMs) } };
  const update = { ...lease, $max: { through } };
  const { matchedCount } = await checkpoints.updateOne({ _id, epoch, position }, update);
  if (matchedCount > 0) return true;
  // A commit has moved the checkpoint since.
  return (await checkpoints.updateOne({ _id, epoch }, lease)).matchedCount > 0;
}

/** See `ConsumerStore.release`. */
export async function release(mongo: MongoDatabase, claims: readonly Claim[]): Promise<void> {
  const freed = { $set: { owner: null, leaseUntil: null } };
  await Promise.all(
    claims.map(({ consumer, epoch }) => checkpointsOf(mongo).updateOne({ _id: consumer, epoch }, freed)),
  );
}

function until(now: Date, leaseMs: number): Date {
  return new Date(now.getTime() + leaseMs);
}

/** Throws {@link LeaseLost} unless the checkpoint is where `claim` says; extends the lease. The first step of a commit. */
export async function checkLease(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  claim: Claim,
): Promise<void> {
  await compareAndSet(mongo, session, claim, { leaseUntil: until(await mongo.now(), claim.leaseMs) });
}

/** Moves the checkpoint by compare-and-swap on position and epoch. The last step of a commit. Throws {@link LeaseLost}. */
export async function moveCheckpoint(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  { from, to, parked }: { readonly from: Claim; readonly to: Position; readonly parked: number | undefined },
): Promise<Claim> {
  const now = await mongo.now();
  const isMoved = to !== from.position;
  await compareAndSet(
    mongo,
    session,
    from,
    {
      ...{ position: to, updatedAt: now, leaseUntil: until(now, from.leaseMs) },
      ...(isMoved ? { heldPosition: null, heldError: null } : {}),
      ...(parked === undefined ? {} : { parked }),
    },
    to,
  );
  return { ...from, position: to, heldAt: isMoved ? null : from.heldAt };
}

async function compareAndSet(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  claim: Claim,
  set: Partial<CheckpointDocument>,
  through = claim.position,
): Promise<void> {
  const { consumer: _id, epoch, position } = claim;
  const filter: Filter<CheckpointDocument> = { _id, epoch, position };
  const update = { $set: set, $max: { through } };
  const { matchedCount } = await checkpointsOf(mongo).updateOne(filter, update, within(session));
  if (matchedCount === 0) throw new LeaseLost(claim);
}

/** See `ConsumerStore.goLive`. */
export async function goLive(mongo: MongoDatabase, claimed: Claim): Promise<Claim> {
  const { consumer: _id, epoch } = claimed;
  await checkpointsOf(mongo).updateOne({ _id, epoch }, { $set: { isLive: true } });
  return { ...claimed, isLive: true };
}

/** See `ConsumerStore.hold`. */
export async function hold(
  mongo: MongoDatabase,
  { consumer: _id, epoch }: Claim,
  { position, error }: Hold,
): Promise<void> {
  const set = { heldPosition: position, heldError: error };
  await checkpointsOf(mongo).updateOne({ _id, epoch }, { $set: set });
}

/** See `ConsumerStore.status`. */
export async function status(mongo: MongoDatabase): Promise<readonly ConsumerStatus[]> {
  const [all, now] = [await checkpointsOf(mongo).find().sort({ _id: 1 }).toArray(), await mongo.now()];
  return all.map(({ _id, generation, position, through, epoch, owner, leaseUntil, ...rest }) => ({
    ...{ consumer: _id, generation, position, through, epoch },
    ...{ isLive: rest.isLive, parkedKeys: rest.parked },
    owner: leaseUntil !== null && leaseUntil > now ? owner : null,
    leaseUntil: leaseUntil?.toISOString() ?? null,
    held: rest.heldError === null ? null : { position: rest.heldPosition, error: rest.heldError },
    updatedAt: rest.updatedAt.toISOString(),
  }));
}
