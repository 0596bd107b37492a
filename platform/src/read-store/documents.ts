/** The document read port: documents of a view by key or by one of the fields that its projection declares. */

import type { Position } from '../event-store/port.ts';

/** A document with its key. */
export interface Found<Doc> {
  readonly key: string;
  readonly doc: Doc;
}

/** A document with those that it refers to, by key: as many of them as are there. */
export interface FoundWith<Doc, Other> extends Found<Doc> {
  readonly others: Readonly<Record<string, Other>>;
}

/** How one document is named: by its key, or by the value of one of the projection's `lookups`. */
export type Named = { readonly key: string } | { readonly field: string; readonly value: string };

/** What of a document's field `field`, one of its projection's `references`, is found in `view`. */
export interface Reference {
  readonly field: string;
  readonly view: string;
}

/** How far a view is. */
export interface CheckpointRow {
  readonly consumer: string;
  readonly position: Position;
  readonly through: Position;
  readonly isLive: boolean;
  /** Changes with the view's owner and with its generation. */
  readonly epoch: number;
  /** Keys with parked events. */
  readonly parked: number;
}

/** A document of a view. */
export interface ViewKey {
  readonly view: string;
  readonly key: string;
}

/** A database of documents besides the one of rows, with their checkpoints. */
export interface DocumentStore {
  /** True for the views that are there. */
  holds(view: string): boolean;
  /** The checkpoints of those `views` that have one. */
  checkpoints(views: readonly string[]): Promise<readonly CheckpointRow[]>;
  /** Those of `views` whose lease nobody holds. */
  unowned(views: readonly string[]): Promise<readonly string[]>;
  /** Reads the checkpoints of `views`, then runs `work`: the documents that it reads are not older than they say. */
  read<Result>(
    views: readonly string[],
    work: (checkpoints: readonly CheckpointRow[], documents: Documents) => Promise<Result>,
  ): Promise<Result>;
  /** True where one of them has events parked at or before `minPosition`. What is read from then on has been repaired. */
  isAnyParked(keys: readonly ViewKey[], minPosition: Position): Promise<boolean>;
}

/** Reads documents as their projection wrote them; the caller names their type. `view`: name and version, as the projection's. */
export interface Documents {
  /** Those that are there, by key, in one query. */
  findByIds<Doc extends object>(view: string, ids: readonly string[]): Promise<ReadonlyMap<string, Doc>>;
  /** A document together with those of another view that it refers to, in one query. */
  findWith<Doc extends object, Other extends object>(
    view: string,
    named: Named,
    reference: Reference,
  ): Promise<FoundWith<Doc, Other> | null>;
  /** The document whose top-level `field`, one of the projection's `lookups`, is `value`. */
  findBy<Doc extends object>(view: string, field: string, value: string): Promise<Found<Doc> | null>;
}
