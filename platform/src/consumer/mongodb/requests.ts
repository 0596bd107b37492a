/** What operators ask for, in MongoDB. */
import { type ClientSession, ObjectId } from 'mongodb';
import type { MongoDatabase } from '../../mongodb/database.ts';
import type {
  GenerationRequest,
  PendingGeneration,
  PendingRequest,
  RepairRequest,
  RequestReport,
  RequestStatus,
} from '../store.ts';
import { consumerCollections, type RequestDocument, within } from './collections.ts';

const DAY_MS = 24 * 60 * 60_000;

function requestsOf({ db }: MongoDatabase) {
  return consumerCollections(db).requests;
}

/** See `ConsumerStore.request`. */
export async function request(
  mongo: MongoDatabase,
  asked: RepairRequest | GenerationRequest,
): Promise<string> {
  const requestedAt = await mongo.now();
  await requestsOf(mongo).deleteMany({ doneAt: { $lt: new Date(requestedAt.getTime() - DAY_MS) } });
  const _id = new ObjectId().toHexString();
  const { consumer, action } = asked;
  const key = 'key' in asked ? asked.key : null;
  const position = 'position' in asked ? asked.position : null;
  const waiting = { outcome: null, doneAt: null, report: null };
  await requestsOf(mongo).insertOne({ _id, consumer, action, key, position, requestedAt, ...waiting });
  return _id;
}

/** See `ConsumerStore.pending`. */
export async function pending(
  mongo: MongoDatabase,
  consumers: readonly string[],
): Promise<readonly PendingRequest[]> {
  const { candidates } = consumerCollections(mongo.db);
  const found = await requestsOf(mongo)
    .find({ outcome: null, $or: [{ consumer: { $in: [...consumers] } }, { action: 'drop' }] })
    .sort({ requestedAt: 1, _id: 1 })
    .toArray();
  const attended = await candidates.distinct('consumer', { seenUntil: { $gt: await mongo.now() } });
  return found
    .filter(({ consumer }) => consumers.includes(consumer) || !attended.includes(consumer))
    .slice(0, 100)
    .map(toRequest);
}

/** See `ConsumerStore.requests`. */
export async function requests(mongo: MongoDatabase): Promise<readonly RequestStatus[]> {
  const found = await requestsOf(mongo).find().sort({ requestedAt: -1, _id: -1 }).limit(100).toArray();
  return found.map((one) => ({ ...toRequest(one), outcome: one.outcome, report: one.report }));
}

/** As {@link request} stored it. */
function toRequest({ _id: id, consumer, action, key, position }: RequestDocument): PendingRequest {
  return { id, consumer, action, key, position } as PendingRequest;
}

/** Notes a request's outcome, unless there is one. */
export async function note(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  { request: { id }, outcome }: { readonly request: Pick<PendingRequest, 'id'>; readonly outcome: string },
): Promise<void> {
  const done = { $set: { outcome, doneAt: await mongo.now() } };
  await requestsOf(mongo).updateOne({ _id: id, outcome: null }, done, within(session));
}

/** True while a request waits. */
export async function isWaiting(mongo: MongoDatabase, id: string, session?: ClientSession): Promise<boolean> {
  return (await requestsOf(mongo).findOne({ _id: id, outcome: null }, within(session))) !== null;
}

/** See `ViewStore.report`. */
export async function report(
  mongo: MongoDatabase,
  { id }: PendingGeneration,
  news: RequestReport,
): Promise<void> {
  await requestsOf(mongo).updateOne({ _id: id, outcome: null }, { $set: { report: news } });
}

/** See `ViewStore.finish`. */
export async function finish(
  mongo: MongoDatabase,
  finished: PendingGeneration,
  outcome: string,
  last: RequestReport | null,
): Promise<void> {
  if (last) await requestsOf(mongo).updateOne({ _id: finished.id }, { $set: { report: last } });
  await note(mongo, undefined, { request: finished, outcome });
}
