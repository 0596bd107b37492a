/** Unique keys: what at most one aggregate may own at a time, such as a username or an author's title. */

/**
 * A key that an aggregate's state owns, e.g. `{ kind: 'title', parts: [authorId, 'on trees'] }`. Equal kind and parts
 * are the same key, so whatever shall not tell two apart (case, spacing) is normalised before.
 */
export interface UniqueKey {
  readonly kind: string;
  readonly parts: readonly string[];
}
