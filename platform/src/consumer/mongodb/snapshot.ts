/** Reads parts of views as of one moment, to hold them against a fold of the log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession, Collection, Filter } from 'mongodb';
import type { MongoDatabase } from '../../mongodb/database.ts';
import { TemporarilyUnavailable } from '../reaction.ts';
import type { KeyRange, ViewSnapshot } from '../store.ts';
import { consumerCollections, type ViewDocument, within } from './collections.ts';

/** See `ViewStore.count`. */
export function count(collection: Collection<ViewDocument>): Promise<number> {
  return collection.countDocuments({ deleted: { $exists: false } });
}

/** See `ViewStore.pageEnd`. */
export async function pageEnd(
  collection: Collection<ViewDocument>,
  after: string | null,
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
): Promise<string | null> {
  const filter = { ...rangeOf('_id', { after, upTo: null }), deleted: { $exists: false } };
  const page = collection
    .find(filter as Filter<ViewDocument>)
    .sort({ _id: 1 })
    .limit(rows + 1);
  let size = 0;
  let last: string | null = null;
  let read = 0;
  for await (const { _id, doc } of page) {
    size += Buffer.byteLength(JSON.stringify(doc));
    if (last !== null && (++read >= rows || size > bytes)) return last;
    last = _id;
  }
  return null;
}

function rangeOf(field: '_id' | 'key', { after, upTo }: KeyRange): Record<string, unknown> {
  const bounds = { ...(after === null ? {} : { $gt: after }), ...(upTo === null ? {} : { $lte: upTo }) };
  return Object.keys(bounds).length > 0 ? { [field]: bounds } : {};
}

/** Attempts at a moment in which nothing is being written, where there are no transactions. */
const ATTEMPTS = 100;
const RETRY_MS = 20;

/** See `ViewStore.snapshot`. */
export async function snapshot(
  mongo: MongoDatabase,
  consumer: string,
  range: KeyRange,
): Promise<ViewSnapshot> {
  if (await mongo.hasTransactions())
    return mongo.transaction(async (session) => (await read(mongo, session, consumer, range)).seen);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { seen, isAhead } = await read(mongo, undefined, consumer, range);
    const now = await consumerCollections(mongo.db).checkpoints.findOne({ _id: consumer });
    if (!isAhead && now?.position === seen.position) return seen;
    await sleep(RETRY_MS);
  }
  throw new TemporarilyUnavailable(`${consumer} is being written all the time`);
}

/** `isAhead`: some documents are ahead of their checkpoint. */
async function read(
  mongo: MongoDatabase,
  session: ClientSession | undefined,
  consumer: string,
  range: KeyRange,
): Promise<{ readonly seen: ViewSnapshot; readonly isAhead: boolean }> {
  const { checkpoints, parked } = consumerCollections(mongo.db);
  const at = await checkpoints.findOne({ _id: consumer }, within(session));
  if (!at) throw new Error(`${consumer} is not there`);
  const { collection, position } = at;
  const through = at.through > position ? at.through : position;
  const found = await mongo.db
    .collection<ViewDocument>(collection)
    .find(rangeOf('_id', range) as Filter<ViewDocument>, within(session))
    .sort({ _id: 1 })
    .toArray();
  const keys = await parked.find({ collection, ...rangeOf('key', range) }, within(session)).toArray();
  return {
    seen: {
      ...{ position, through, skewed: [] },
      docs: new Map(found.flatMap(({ _id, doc }) => (doc ? [[_id, doc] as const] : []))),
      parked: new Set(keys.map(({ key }) => key)),
    },
    isAhead: found.some((one) => one.position > position),
  };
}
