/** The document read port: documents of a view by key or by one of the fields that its projection declares. */

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
