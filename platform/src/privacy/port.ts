/**
 * Keys of personal data: one per person, so that destroying it erases that person's data everywhere in the log.
 * Only command-api creates and destroys keys; everyone else reads them.
 */

import type { KeyObject } from 'node:crypto';

/** A person's key (256 bits), or the marker that it has been destroyed. */
export type SubjectKey =
  | { readonly state: 'usable'; readonly key: KeyObject }
  | { readonly state: 'destroyed' };

export interface KeyStore {
  /**
   * The keys of `subjects`, in one round trip. A subject without a key is absent from the result. Throws where a key
   * cannot be unwrapped: a wrong master key must never look like an erasure.
   */
  read(subjects: readonly string[]): Promise<Map<string, SubjectKey>>;
  /** The subjects' keys, created where there is none yet (once, whoever races). */
  ensure(subjects: readonly string[]): Promise<Map<string, SubjectKey>>;
  /** Destroys a key for ever and leaves the marker. Idempotent. */
  destroy(subject: string): Promise<void>;
}

/**
 * A key or a value that should be readable is not: a wrong master key, a key that is missing without having been
 * destroyed, a value that was tampered with. Must never look like an erasure: whoever meets it stops.
 */
export class UnreadablePersonalData extends Error {
  override readonly name = 'UnreadablePersonalData';
}
