/** Writes a batch of documents, and finds those that the server refuses. */
import {
  type AnyBulkWriteOperation,
  BSON,
  type ClientSession,
  type Collection,
  MongoBulkWriteError,
  type WriteError,
} from 'mongodb';
import type { Position } from '../../event-store/port.ts';
import { isTransient } from '../../mongodb/errors.ts';
import { errorCode } from '../errors.ts';
import { type Writes, WritesRefused } from '../store.ts';
import type { ViewDocument } from './collections.ts';

/** What MongoDB takes at most, in bytes. */
const MAX_DOCUMENT = 16 * 1024 * 1024;
const DUPLICATE = 11_000;

/** What is to become of the keys of a batch. */
export interface DocumentWrites {
  readonly upserts: readonly Required<Pick<ViewDocument, '_id' | 'position' | 'doc'>>[];
  readonly deletes: readonly Pick<ViewDocument, '_id' | 'position'>[];
}

/** Documents as JSON would hold them. Throws {@link WritesRefused} with the keys for which it cannot. */
export function documentsOf({ upserts, deletes, positions }: Writes, to: Position): DocumentWrites {
  const refused = new Map<string, string>();
  const documents: DocumentWrites['upserts'][number][] = [];
  const positionOf = (key: string) => positions.get(key) ?? to;
  for (const [key, doc] of upserts) {
    try {
      documents.push({ _id: key, position: positionOf(key), doc: JSON.parse(JSON.stringify(doc)) });
    } catch (error) {
      refused.set(key, errorCode(error));
    }
  }
  if (refused.size > 0) throw new WritesRefused(refused);
  return { upserts: documents, deletes: deletes.map((key) => ({ _id: key, position: positionOf(key) })) };
}

/** Writes in a transaction: all or nothing, so nothing has to be guarded. */
export async function writeTogether(
  collection: Collection<ViewDocument>,
  { upserts, deletes }: DocumentWrites,
  session: ClientSession,
): Promise<void> {
  const options = { ordered: false, session };
  if (upserts.length > 0) await collection.bulkWrite(upserts.map(replacement), options);
  if (deletes.length > 0)
    await collection.deleteMany({ _id: { $in: deletes.map(({ _id }) => _id) } }, { session });
}

function replacement(document: ViewDocument): AnyBulkWriteOperation<ViewDocument> {
  const { _id, ...rest } = document;
  return { replaceOne: { filter: { _id }, replacement: rest, upsert: true } };
}

/**
 * Writes without a transaction: each document only where what is stored is older. Where it is not, the upsert meets the
 * document by its `_id`: it is held back. A deletion leaves a tombstone, so that it holds back as well. Throws
 * {@link WritesRefused} with the keys that the server refused; all others are written.
 */
export async function writeGuarded(
  collection: Collection<ViewDocument>,
  { upserts, deletes }: DocumentWrites,
): Promise<void> {
  const tombstones = deletes.map((one): ViewDocument => ({ ...one, deleted: true }));
  const documents: readonly ViewDocument[] = [...upserts, ...tombstones];
  if (documents.length === 0) return;
  try {
    await collection.bulkWrite(documents.map(guarded), { ordered: false });
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failed = [error.writeErrors].flat().filter((one) => !isHeldBack(one));
    if (failed.length === 0 && error.result.hasWriteErrors()) return;
    if (failed.length === 0 || failed.some(isTransientCode)) throw error;
    const refused = failed.map((one) => [documents[one.index]?._id ?? '', `mongodb ${one.code}`] as const);
    throw new WritesRefused(new Map(refused), error);
  }
}

function guarded({ _id, ...rest }: ViewDocument): AnyBulkWriteOperation<ViewDocument> {
  const filter = { _id, position: { $lt: rest.position } };
  return { replaceOne: { filter, replacement: rest, upsert: true } };
}

/** A duplicate by another index than that of `_id` is an error like others. Only the message names it. */
function isHeldBack({ code, errmsg = '' }: WriteError): boolean {
  return code === DUPLICATE && !/index: (?!_id_)/.test(errmsg);
}

function isTransientCode({ code }: WriteError): boolean {
  return isTransient(Object.assign(new Error(), { name: 'MongoServerError', code }));
}

/** True where the same write would be refused again. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || isTransient(error)) return false;
  return (
    error instanceof MongoBulkWriteError || CLIENT_REFUSALS.has(error.name) || error instanceof RangeError
  );
}

/** What the driver says of documents that it cannot send. */
const CLIENT_REFUSALS = new Set(['BSONError', 'MongoInvalidArgumentError', 'MongoAPIError']);

/** Keys of the documents that the driver cannot send. Key → code. */
export function findUnsendable({ upserts }: DocumentWrites): ReadonlyMap<string, string> {
  const refused = new Map<string, string>();
  for (const document of upserts) {
    try {
      if (BSON.serialize(document, { checkKeys: false }).length > MAX_DOCUMENT)
        refused.set(document._id, 'too large');
    } catch (error) {
      refused.set(document._id, errorCode(error));
    }
  }
  return refused;
}

/** Says that a transaction was to write nothing. */
export class Aborted extends Error {}

/**
 * Keys of the documents that the server refuses, by halving. `tryOut` writes documents in a transaction and throws
 * {@link Aborted}, or what the server says to them. Key → code.
 */
export async function findRefused(
  writes: DocumentWrites,
  tryOut: (upserts: DocumentWrites['upserts']) => Promise<never>,
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const search = async (upserts: DocumentWrites['upserts']): Promise<void> => {
    const error = await tryOut(upserts).catch(refusalOf);
    if (!error) return;
    const [first] = upserts;
    const middle = upserts.length >> 1;
    if (first && middle === 0) refused.set(first._id, `mongodb ${String(error.code)}`);
    else for (const half of [upserts.slice(0, middle), upserts.slice(middle)]) await search(half);
  };
  await search(writes.upserts);
  return refused;
}

function refusalOf(error: unknown): MongoBulkWriteError | undefined {
  if (error instanceof MongoBulkWriteError && !isTransient(error)) return error;
  if (!(error instanceof Aborted)) throw error;
  return undefined;
}
