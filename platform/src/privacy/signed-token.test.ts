import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { openToken, peekToken, signToken } from './signed-token.ts';

const key = randomBytes(32);
const claims = { subject: randomUUID(), request: randomUUID(), expiresAt: '2026-11-22T10:00:00.123Z' };
const before = new Date('2026-11-22T10:00:00.122Z');
const token = signToken(key, 'reset', claims);

test('I5 a token says what was signed, until it ends', () => {
  expect(token).toMatch(/^[\w-]{94}$/);
  expect(peekToken(token)).toEqual(claims);
  expect(openToken(key, 'reset', token, before)).toEqual(claims);
  expect(openToken(key, 'reset', token, new Date(claims.expiresAt))).toBeNull();
});

test('I5 a token of another purpose or key, or with one bit changed, is worth nothing', () => {
  expect(openToken(key, 'confirm', token, before)).toBeNull();
  expect(openToken(randomBytes(32), 'reset', token, before)).toBeNull();
  const bytes = Buffer.from(token, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const forged = Buffer.from(bytes);
    forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(openToken(key, 'reset', forged.toString('base64url'), new Date(0))).toBeNull();
  }
});

test('I5 what is no token is none', () => {
  for (const text of ['', 'x', `${token}A`, token.slice(1), `${token.slice(0, -1)}!`, 'é'.repeat(94)])
    expect(peekToken(text)).toBeNull();
});
