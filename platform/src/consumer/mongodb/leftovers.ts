/**
 * What is left over where the server has no transactions: what is parked in vain, and tombstones of deleted documents. A
 * late writer may still hold a batch from before a deletion, so its tombstone stays until the checkpoint has been past it
 * for a day.
 */
import type { MongoDatabase } from '../../mongodb/database.ts';
import type { Claim } from '../store.ts';
import { consumerCollections, type ViewDocument } from './collections.ts';
import { forgetVain } from './parking.ts';

const DAY_MS = 24 * 60 * 60_000;
/** How often in that time the owner of a view looks. */
const LOOKS = 24;

/** Removes what is due, at most once an hour per view. Called by the views' owner; what fails is tried an hour later. */
export function createLeftoverSweep(
  mongo: MongoDatabase,
  dayMs = DAY_MS,
): (claims: readonly Claim[]) => Promise<void> {
  const { checkpoints } = consumerCollections(mongo.db);
  const looked = new Map<string, number>();

  const sweep = async ({ consumer: _id, epoch, position }: Claim): Promise<void> => {
    const [found, at] = [await checkpoints.findOne({ _id, epoch }), await mongo.now()];
    if (!found) return;
    const { mark, collection } = found;
    if (mark && at.getTime() - mark.at.getTime() < dayMs) return;
    if (mark) {
      const documents = mongo.db.collection<ViewDocument>(collection);
      await documents.deleteMany({ deleted: true, position: { $lte: mark.position } });
    }
    await checkpoints.updateOne({ _id, epoch }, { $set: { mark: { position, at } } });
  };

  return async (claims) => {
    for (const claim of claims) {
      const last = looked.get(claim.consumer);
      if (last !== undefined && performance.now() < last + dayMs / LOOKS) continue;
      looked.set(claim.consumer, performance.now());
      await forgetVain(mongo, claim, { isBeginning: false });
      await sweep(claim);
    }
  };
}
