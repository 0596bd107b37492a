import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSealed, openField, sealField } from './cipher.ts';
import { keyedHash } from './keyed-hash.ts';
import { UnreadablePersonalData } from './port.ts';

const newKey = () => createSecretKey(randomBytes(32));
const key = newKey();
const place = { eventId: 'event-1', field: 'email' };
const seal = (value: unknown) => sealField(key, 'person-1', value, place);

describe('sealed fields', () => {
  it.each(['ada@example.org', '', 'ünï😀', null])('opens %j again', (value) => {
    expect(openField(key, seal(value), place)).toBe(value);
  });

  it('shows nothing of the value, and the same value differently each time', () => {
    expect(JSON.stringify(seal('ada@example.org'))).not.toContain('example');
    expect(seal('ada')).not.toEqual(seal('ada'));
  });

  it('opens with no other key, event, field or person, and not once altered', () => {
    const field = seal('ada');
    const altered = Buffer.from(field.box, 'base64');
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    const attempts = [
      () => openField(newKey(), field, place),
      () => openField(key, field, { ...place, eventId: 'event-2' }),
      () => openField(key, field, { ...place, field: 'firstName' }),
      () => openField(key, { ...field, subject: 'person-2' }, place),
      () => openField(key, { ...field, box: altered.toString('base64') }, place),
      () => openField(key, { ...field, box: '' }, place),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(UnreadablePersonalData);
  });

  it('tells sealed values from others', () => {
    expect(isSealed(JSON.parse(JSON.stringify(seal('ada'))))).toBe(true);
    for (const value of ['ada', null, {}, { sealed: true }, { sealed: 1, subject: 'x' }])
      expect(isSealed(value)).toBe(false);
  });
});

describe('keyedHash', () => {
  it('is stable, and depends on the key and on every part and its limits', () => {
    const hmacKey = randomBytes(32);
    const hash = keyedHash(hmacKey, 'email', 'ada@example.org');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(keyedHash(hmacKey, 'email', 'ada@example.org')).toBe(hash);
    const others = [
      keyedHash(randomBytes(32), 'email', 'ada@example.org'),
      keyedHash(hmacKey, 'emaila', 'da@example.org'),
    ];
    expect(others).not.toContain(hash);
  });
});
