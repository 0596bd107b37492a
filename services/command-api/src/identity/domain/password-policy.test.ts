import { describe, expect, test } from 'vitest';
import { type PasswordPolicy, passwordMistakes, passwordRules } from './password-policy.ts';

const policy: PasswordPolicy = { rules: passwordRules, minLength: 12, common: new Set(['password1234!']) };
const owner = {
  username: 'ada.lovelace',
  email: 'countess@example.org',
  firstName: 'Ada',
  lastName: 'Byron',
};
const codes = (password: string, rules = policy.rules) =>
  passwordMistakes(password, owner, { ...policy, rules }).map(({ code }) => code);

describe('I2 a password', () => {
  test('that keeps every rule is good', () => {
    expect(codes('Correct-horse-battery-7')).toEqual([]);
    expect(codes('пароль-из-слов-семь')).toEqual([]);
  });

  test.each([
    ['short-1', 'password-length'],
    ['my-Lovelace-password', 'password-similarity'],
    ['countess-of-words', 'password-similarity'],
    ['lovelace.ada!', 'password-similarity'],
    ['Password1234!', 'password-common'],
    ['CorrectHorseBattery7', 'password-special'],
  ])('%s breaks the rule %s', (password, code) => {
    expect(codes(password)).toEqual([code]);
  });

  test('is told every rule that it breaks, at once', () => {
    expect(codes('12345')).toEqual(['password-length', 'password-digits', 'password-special']);
    expect(passwordMistakes('12345', owner, policy).every((mistake) => 'pointer' in mistake)).toBe(true);
  });

  test('is held only against the rules of the deployment', () => {
    expect(codes('12345', ['length'])).toEqual(['password-length']);
    expect(codes('12345', [])).toEqual([]);
  });

  test('may follow NIST and ASVS: long and not on a list, whatever it is made of', () => {
    const common = new Set(['correct horse battery']);
    const nist = { ...policy, rules: ['length', 'similarity', 'common'] as const, minLength: 15, common };
    const broken = (password: string) => passwordMistakes(password, owner, nist).map(({ code }) => code);
    expect(broken('seven quiet meadows')).toEqual([]);
    expect(broken('482915736045812')).toEqual([]);
    expect(broken('Correct Horse Battery')).toEqual(['password-common']);
    expect(broken('Short-but-$trong')).toEqual([]);
    expect(broken('Sh0rt-$trong')).toEqual(['password-length']);
  });

  test('is refused with what to do about it, at the field that it came in', () => {
    for (const { code, message, ...place } of passwordMistakes('ada', owner, policy, '/newPassword')) {
      expect(place).toEqual({ pointer: '/newPassword' });
      expect(message, code).toMatch(/^must /);
    }
  });

  test('of short names is not called similar for a few letters', () => {
    expect(codes('Canada-and-beyond')).toEqual([]);
  });
});
