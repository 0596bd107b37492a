/** What is stored in MongoDB, beside each other in one database: consumers' state, and a collection per version of a view. */
import { randomBytes } from 'node:crypto';
import type { ClientSession, Collection, Db, ServerSessionId } from 'mongodb';
import type { Position } from '../../event-store/port.ts';
import type { GenerationRequest, RepairRequest, RequestReport } from '../store.ts';

/** What belongs to a generation of a view, and goes with it in a switch. */
export interface Generation {
  /** The name of its collection, of which there is no other: whoever read a checkpoint reads the documents it is about. */
  readonly collection: string;
  readonly generation: number;
  readonly fingerprint: string;
  readonly position: Position;
  readonly through: Position;
  readonly isLive: boolean;
  readonly heldPosition: Position | null;
  readonly heldError: string | null;
  /** Keys with parked events, as of `position`. */
  readonly parked: number;
  readonly updatedAt: Date;
  /** Where the checkpoint was at a time: what tombstones are removed by. */
  readonly mark: { readonly position: Position; readonly at: Date } | null;
}

/** A consumer's checkpoint and lease. */
export interface CheckpointDocument extends Generation {
  /** The consumer. */
  readonly _id: string;
  readonly epoch: number;
  readonly owner: string | null;
  readonly leaseUntil: Date | null;
  /** Of the transactions of whoever claimed it last; null or missing where there are none. */
  readonly session?: ServerSessionId | null;
  /** When the generation came to stand here. */
  readonly since: Date;
  /** The request that made it live. */
  readonly switchedBy: string | null;
  /** Its outcome, where it is to be noted when what `former` says is done. */
  readonly switchedAs?: string;
  /** The generation that was live before, until it stands beside: a switch goes on from here. */
  readonly former: Generation | null;
}

/** A process that can run a consumer. */
export interface CandidateDocument {
  readonly _id: string;
  readonly consumer: string;
  readonly owner: string;
  readonly seenUntil: Date;
}

/** A parked event. */
export interface ParkedEventDocument {
  readonly _id: string;
  /** Of the generation that it is parked for. */
  readonly collection: string;
  readonly key: string;
  readonly position: Position;
  readonly stream: string;
  readonly revision: number;
  readonly error: string | null;
  readonly parkedAt: Date;
}

/** What an operator asked for. */
export interface RequestDocument {
  readonly _id: string;
  readonly consumer: string;
  readonly action: (RepairRequest | GenerationRequest)['action'];
  readonly key: string | null;
  readonly position: Position | null;
  readonly requestedAt: Date;
  readonly outcome: string | null;
  readonly doneAt: Date | null;
  readonly report: RequestReport | null;
}

/** A document of a view, with the last event folded into it; or, where the server has no transactions, that it is gone. */
export interface ViewDocument {
  readonly _id: string;
  readonly position: Position;
  readonly doc?: object;
  readonly deleted?: true;
}

export interface ConsumerCollections {
  readonly checkpoints: Collection<CheckpointDocument>;
  readonly candidates: Collection<CandidateDocument>;
  readonly parked: Collection<ParkedEventDocument>;
  readonly requests: Collection<RequestDocument>;
}

/** The collections that all consumers of a database share. */
export function consumerCollections(db: Db): ConsumerCollections {
  return {
    checkpoints: db.collection('consumers.checkpoints'),
    candidates: db.collection('consumers.candidates'),
    parked: db.collection('consumers.parked'),
    requests: db.collection('consumers.requests'),
  };
}

const NAME = /^[a-z][a-z0-9_]*$/;

/** The name of the collection of a view's first generation; `view`: name and version. Throws for what is no such name. */
export function firstCollection(view: string): string {
  if (!NAME.test(view)) throw new Error(`${JSON.stringify(view)} is no name of a view`);
  return `views.${view}`;
}

/** A name that no other collection of the view has had. */
export function anotherCollection(view: string): string {
  return `${firstCollection(view)}.${randomBytes(4).toString('hex')}`;
}

/** The collection of a consumer's documents; undefined where there is no such consumer. */
export async function viewCollection(
  db: Db,
  consumer: string,
): Promise<Collection<ViewDocument> | undefined> {
  firstCollection(consumer);
  const found = await consumerCollections(db).checkpoints.findOne({ _id: consumer });
  return found ? db.collection(found.collection) : undefined;
}

/** An operation's session: none where the server has no transactions. */
export function within(session: ClientSession | undefined): { readonly session?: ClientSession } {
  return session ? { session } : {};
}
