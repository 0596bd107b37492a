/**
 * The consumer store in MongoDB, for views of documents: all that belongs to a consumer is in the database of its
 * documents. With transactions a commit is one. Without, its steps come in an order that any of them may be the last of:
 * documents, then what is parked, then the checkpoint, then a request's outcome.
 */
import type { ClientSession, Collection } from 'mongodb';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Position } from '../../event-store/port.ts';
import type { MongoDatabase } from '../../mongodb/database.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ConsumerFaults } from '../faults.ts';
import { type Projection, viewName } from '../projection.ts';
import { createSightings } from '../sightings.ts';
import { type Claim, type Loaded, type Repair, type ViewStore, WritesRefused } from '../store.ts';
import * as checkpoints from './checkpoints.ts';
import { type ViewDocument, viewCollection } from './collections.ts';
import * as generations from './generations.ts';
import { createLeftoverSweep } from './leftovers.ts';
import * as parking from './parking.ts';
import { createCollection, prepareCollections } from './preparation.ts';
import * as requests from './requests.ts';
import * as snapshots from './snapshot.ts';
import * as versions from './versions.ts';
import {
  Aborted,
  type DocumentWrites,
  documentsOf,
  findRefused,
  findUnsendable,
  isRefusal,
  writeGuarded,
  writeTogether,
} from './write-documents.ts';

export interface MongoViewStoreOptions {
  readonly mongo: MongoDatabase;
  /** Told of indexes that could not be made. */
  readonly logger?: Logger | undefined;
  /** What tests make happen between the writes and the move of the checkpoint. */
  readonly faults?: ConsumerFaults | undefined;
  /** How long the checkpoint has to be past a tombstone before that is removed. Default a day. */
  readonly tombstoneMs?: number;
}

/** A store for projections into collections `views.<name>_v<version>`. */
export function createMongoViewStore({
  mongo,
  logger,
  faults,
  tombstoneMs,
}: MongoViewStoreOptions): ViewStore {
  const { db } = mongo;
  const sweep = createLeftoverSweep(mongo, tombstoneMs);
  const lookups = new Map<string, readonly string[]>();
  const terms = new Map<string, Term>();
  const seen = createSightings();

  const collectionOf = async (consumer: string): Promise<Collection<ViewDocument>> => {
    const found = await viewCollection(db, consumer);
    if (!found) throw new Error(`${consumer} is not there`);
    return found;
  };
  const nameOf = async (consumer: string) => (await viewCollection(db, consumer))?.collectionName ?? '';
  const ofTerm = async (consumer: string): Promise<Collection<ViewDocument>> => {
    const term = terms.get(consumer);
    return term === undefined ? collectionOf(consumer) : db.collection(term.collection);
  };
  const end = async (consumer: string): Promise<void> => {
    await terms.get(consumer)?.session?.endSession();
    terms.delete(consumer);
  };

  return {
    async prepare(registrations, start) {
      await checkpoints.register(mongo, registrations, start);
      await versions.revive(
        mongo,
        registrations.map(({ consumer }) => consumer),
      );
      for (const { consumer, projection } of registrations)
        if (projection) lookups.set(consumer, lookupsOf(projection));
      await prepareCollections(mongo, lookups, logger);
    },
    attend: (owner, consumers, ttlMs) => checkpoints.attend(mongo, owner, consumers, ttlMs),
    async claim(consumer, owner, leaseMs) {
      const session = (await mongo.hasTransactions()) ? mongo.openSession() : undefined;
      let found: Awaited<ReturnType<typeof checkpoints.claim>> = null;
      try {
        found = await checkpoints.claim(mongo, consumer, owner, leaseMs, session?.id);
      } finally {
        if (!found) await session?.endSession();
      }
      if (!found) return null;
      if (!session) await parking.forgetVain(mongo, found.claim, { isBeginning: true });
      await end(consumer);
      terms.set(consumer, { collection: found.collection, session, limit: pLimit(1) });
      return found.claim;
    },
    async renew(holdings) {
      const lost = await checkpoints.renew(mongo, holdings);
      if (!(await mongo.hasTransactions())) await sweep(holdings.map(({ claim }) => claim));
      return lost;
    },
    async release(claims) {
      await checkpoints.release(mongo, claims);
      await Promise.all(claims.map(({ consumer }) => end(consumer)));
    },
    goLive: (claim) => checkpoints.goLive(mongo, claim),
    hold: (claim, hold) => checkpoints.hold(mongo, claim, hold),
    status: () => checkpoints.status(mongo),
    request: (request) => requests.request(mongo, request),
    async pending(consumers) {
      await generations.settle(mongo);
      return requests.pending(mongo, consumers);
    },
    requests: () => requests.requests(mongo),
    load: async (consumer, keys) => load(await ofTerm(consumer), keys),
    async commit(claim, to, writes, repair) {
      const collection = await ofTerm(claim.consumer);
      const documents = writes ? documentsOf(writes, to) : NOTHING;
      const parked = writes?.parked ?? [];
      const commit: Commit = { claim, to, collection, documents, parked, repair, faults };
      try {
        return (await mongo.hasTransactions())
          ? await transact(mongo, terms.get(claim.consumer), (session) => carryOut(mongo, session, commit))
          : await carryOut(mongo, undefined, commit);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        throw await explain(mongo, terms.get(claim.consumer), commit, error);
      }
    },
    parkedKeys: async (consumer) => parking.parkedKeys(mongo, await nameOf(consumer)),
    parkedEvents: async (consumer, key, after, limit) =>
      parking.parkedEvents(mongo, { collection: await nameOf(consumer), key }, after, limit),
    begin: (view, start, graceMs) =>
      generations.begin(mongo, { view, start, graceMs }, (name) =>
        createCollection(db, name, lookups.get(view) ?? []),
      ),
    swap: (request, outcome) => generations.swap(mongo, request, outcome),
    drop: (consumer, graceMs) => generations.drop(mongo, consumer, graceMs),
    outdated: (ageMs) => versions.outdated(mongo, ageMs),
    dropLeft: (ageMs) => versions.dropLeft(mongo, seen, ageMs),
    count: async (consumer) => snapshots.count(await collectionOf(consumer)),
    pageEnd: async (consumer, after, limits) =>
      snapshots.pageEnd(await collectionOf(consumer), after, limits),
    snapshot: (consumer, range) => snapshots.snapshot(mongo, consumer, range),
    report: (request, report) => requests.report(mongo, request, report),
    finish: (request, outcome, report) => requests.finish(mongo, request, outcome, report),
  };
}

const NOTHING: DocumentWrites = { upserts: [], deletes: [] };

/** From a claim to its release or the next one. */
interface Term {
  /** What is read and written, whatever is switched meanwhile. */
  readonly collection: string;
  /** Of its transactions: named in the checkpoint, so that whoever takes the lease ends what is left in it. */
  readonly session: ClientSession | undefined;
  /** A session has one transaction at a time. */
  readonly limit: LimitFunction;
}

interface Commit {
  readonly claim: Claim;
  readonly to: Position;
  readonly collection: Collection<ViewDocument>;
  readonly documents: DocumentWrites;
  readonly parked: Parameters<typeof parking.park>[3];
  readonly repair: Repair | undefined;
  readonly faults: ConsumerFaults | undefined;
}

/** A transaction in the session of its term. */
function transact<Result>(
  mongo: MongoDatabase,
  term: Term | undefined,
  work: (session: ClientSession) => Promise<Result>,
): Promise<Result> {
  return term ? term.limit(() => mongo.transaction(work, term.session)) : mongo.transaction(work);
}

/** The steps of a commit. */
async function carryOut(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  { claim, to, collection, documents, parked, repair, faults }: Commit,
): Promise<Claim> {
  const { consumer } = claim;
  const { collectionName: name } = collection;
  await checkpoints.checkLease(mongo, session, claim);
  if (session) await writeTogether(collection, documents, session);
  else await writeGuarded(collection, documents);
  if (parked.length > 0) await parking.park(mongo, session, name, parked);
  const key = repair?.unparked;
  if (key !== undefined) await parking.unpark(mongo, session, { collection: name, key, upTo: to });
  await faults?.('written', consumer);
  const isCounted = parked.length > 0 || repair !== undefined;
  const keys = isCounted ? await parking.countParked(mongo, session, name) : undefined;
  const moved = await checkpoints.moveCheckpoint(mongo, session, { from: claim, to, parked: keys });
  if (repair) await requests.note(mongo, session, repair);
  return moved;
}

/** {@link WritesRefused} with the keys at fault, where there are any. */
async function explain(
  mongo: MongoDatabase,
  term: Term | undefined,
  { claim, collection, documents }: Commit,
  error: unknown,
): Promise<unknown> {
  const unsendable = findUnsendable(documents);
  if (unsendable.size > 0) return new WritesRefused(unsendable, error);
  if (!(await mongo.hasTransactions())) return error;
  const refused = await findRefused(documents, (upserts) =>
    transact(mongo, term, async (session) => {
      // Whoever has lost the lease locks no documents.
      await checkpoints.checkLease(mongo, session, claim);
      await writeTogether(collection, { upserts, deletes: [] }, session);
      throw new Aborted();
    }),
  );
  return refused.size > 0 ? new WritesRefused(refused, error) : error;
}

/** Documents with the position of the last event in them; of deleted ones that alone. */
async function load(collection: Collection<ViewDocument>, keys: readonly string[]): Promise<Loaded> {
  const docs = new Map<string, object>();
  const reached = new Map<string, Position>();
  if (keys.length === 0) return { docs, reached };
  for (const { _id, doc, position } of await collection.find({ _id: { $in: [...keys] } }).toArray()) {
    reached.set(_id, position);
    if (doc) docs.set(_id, doc);
  }
  return { docs, reached };
}

function lookupsOf(projection: Projection): readonly string[] {
  if (projection.store !== 'documents') throw new Error(`${viewName(projection)} is not of documents`);
  return projection.lookups ?? [];
}
