/** The document read port: documents of a view by key or by one of the fields that its projection declares. */

/** A document with its key. */
export interface Found<Doc> {
  readonly key: string;
  readonly doc: Doc;
}

/** Reads documents as their projection wrote them; the caller names their type. `view`: name and version, as the projection's. */
export interface Documents {
  /** Those that are there, by key, in one query. */
  findByIds<Doc extends object>(view: string, ids: readonly string[]): Promise<ReadonlyMap<string, Doc>>;
  /** The document whose top-level `field`, one of the projection's `lookups`, is `value`. */
  findBy<Doc extends object>(view: string, field: string, value: string): Promise<Found<Doc> | null>;
}
