/**
 * Tokens that nobody stores: what they are for, whom and which request they concern and when they end is in them, under
 * a keyed hash. Whether a request is still open is for whoever takes the token to know.
 */
import { timingSafeEqual } from 'node:crypto';
import { keyedHash } from './keyed-hash.ts';

/** What a token says. */
export interface TokenClaims {
  /** UUIDs in lower case. */
  readonly subject: string;
  readonly request: string;
  /** RFC 3339; milliseconds count. */
  readonly expiresAt: string;
}

const ID_BYTES = 16;
const TIME_BYTES = 6;
const CLAIM_BYTES = 2 * ID_BYTES + TIME_BYTES;
const MAC_BYTES = 32;

/** A token of 94 characters that are safe in a path. Tokens of one purpose are worth nothing for another. */
export function signToken(key: Uint8Array, purpose: string, claims: TokenClaims): string {
  const body = Buffer.alloc(CLAIM_BYTES);
  idBytes(claims.subject).copy(body, 0);
  idBytes(claims.request).copy(body, ID_BYTES);
  body.writeUIntBE(Date.parse(claims.expiresAt), 2 * ID_BYTES, TIME_BYTES);
  return Buffer.concat([body, macOf(key, purpose, body)]).toString('base64url');
}

/** What a token says, whether it is genuine or not; null where it is none. */
export function peekToken(token: string): TokenClaims | null {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== CLAIM_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) return null;
  const time = new Date(bytes.readUIntBE(2 * ID_BYTES, TIME_BYTES));
  if (Number.isNaN(time.getTime())) return null;
  return {
    subject: idText(bytes.subarray(0, ID_BYTES)),
    request: idText(bytes.subarray(ID_BYTES, 2 * ID_BYTES)),
    expiresAt: time.toISOString(),
  };
}

/** What a genuine token of `purpose` says; null for one that is forged, of another purpose, or over at `now`. */
export function openToken(key: Uint8Array, purpose: string, token: string, now: Date): TokenClaims | null {
  const claims = peekToken(token);
  if (!claims || Date.parse(claims.expiresAt) <= now.getTime()) return null;
  const bytes = Buffer.from(token, 'base64url');
  const mac = macOf(key, purpose, bytes.subarray(0, CLAIM_BYTES));
  return timingSafeEqual(mac, bytes.subarray(CLAIM_BYTES)) ? claims : null;
}

function macOf(key: Uint8Array, purpose: string, body: Buffer): Buffer {
  return Buffer.from(keyedHash(key, 'token', purpose, body.toString('hex')), 'hex');
}

function idBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

function idText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
