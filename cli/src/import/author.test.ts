import { username } from '@annals/contracts/identity/fields';
import { describe, expect, test } from 'vitest';
import { authorKey, nameOf, splitName, usernamesFor } from './author.ts';

describe('P15 authors', () => {
  test.each([
    ['Ada Lovelace <ada@example.org> (https://example.org)', 'Ada Lovelace'],
    ['ada@example.org', null],
    ['<ada@example.org>', null],
    ['  ', null],
    ['Ada\u0000 Lovelace', 'Ada Lovelace'],
  ])('addresses are never taken from files: %j', (author, name) => {
    expect(nameOf(author)).toBe(name);
  });

  test.each([
    'José Ñandú',
    '山田太郎',
    'x',
    'A'.repeat(90),
    '@scope/package',
    '-._',
    '01234567-0123-7123-8123-0123456789ab',
  ])('every name gives usernames that the API takes: %s', (name) => {
    const candidates = usernamesFor(name);
    expect(candidates.length).toBeGreaterThan(0);
    for (const candidate of candidates) expect(username.safeParse(candidate).success).toBe(true);
  });

  test('names that differ only in case and spacing are one author; others never share their last username', () => {
    expect(authorKey(' ada  LOVELACE')).toBe(authorKey('Ada Lovelace'));
    expect(usernamesFor('José').at(0)).toBe(usernamesFor('Jose').at(0));
    expect(usernamesFor('José').at(-1)).not.toBe(usernamesFor('Jose').at(-1));
  });

  test('the last word is the last name', () => {
    expect(splitName('Ada King Lovelace')).toEqual({ firstName: 'Ada King', lastName: 'Lovelace' });
    expect(splitName('Ada')).toEqual({ firstName: 'Ada', lastName: '' });
  });
});
