import { createHmac } from 'node:crypto';

/**
 * A name for `parts` that tells nothing about them without the key: HMAC-SHA-256, 64 lower-case hex digits. Equal
 * parts give equal names; where one part ends and the next begins matters.
 */
export function keyedHash(hmacKey: Uint8Array, ...parts: readonly string[]): string {
  return createHmac('sha256', hmacKey).update(JSON.stringify(parts)).digest('hex');
}
