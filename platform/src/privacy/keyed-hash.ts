import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** Keys as the crypto library wants them: making one takes ten times as long as a hash with it. */
const prepared = new WeakMap<Uint8Array, KeyObject>();

/**
 * A name for `parts` that tells nothing about them without the key: HMAC-SHA-256, 64 lower-case hex digits. Equal
 * parts give equal names; where one part ends and the next begins matters. The bytes of `hmacKey` must never change.
 */
export function keyedHash(hmacKey: Uint8Array, ...parts: readonly string[]): string {
  let key = prepared.get(hmacKey);
  if (!key) {
    key = createSecretKey(hmacKey);
    prepared.set(hmacKey, key);
  }
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex');
}
