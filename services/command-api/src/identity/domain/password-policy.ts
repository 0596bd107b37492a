/** What a password must be like [I2]. Every rule can be switched off; all that fail are reported at once. Pure. */
import type { Mistake } from '@annals/contracts/problems';

/** The rules that a deployment can choose from. */
export const passwordRules = ['length', 'similarity', 'common', 'digits', 'special'] as const;
export type PasswordRule = (typeof passwordRules)[number];

export interface PasswordPolicy {
  readonly rules: readonly PasswordRule[];
  /** Characters, for the rule `length`. */
  readonly minLength: number;
  /** Passwords in lower case, for the rule `common`. */
  readonly common: ReadonlySet<string>;
}

/** Whom the password is to protect. */
export interface PasswordOwner {
  readonly username: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

/** The rules that `password` breaks, as mistakes of the field at `pointer`; empty where it is good. */
export function passwordMistakes(
  password: string,
  owner: PasswordOwner,
  policy: PasswordPolicy,
  pointer = '/password',
): Mistake[] {
  const broken: Record<PasswordRule, () => string | null> = {
    length: () =>
      [...password].length < policy.minLength ? `must have at least ${policy.minLength} characters` : null,
    similarity: () =>
      attributes(owner).some((attribute) => isSimilar(password.toLowerCase(), attribute))
        ? 'must not be similar to the username, the e-mail address or the name'
        : null,
    common: () => (policy.common.has(password.toLowerCase()) ? 'must not be a common password' : null),
    digits: () => (/^\p{N}*$/u.test(password) ? 'must not consist of digits only' : null),
    special: () => (/[^\p{L}\p{N}\s]/u.test(password) ? null : 'must contain a special character'),
  };
  return policy.rules.flatMap((rule) => {
    const message = broken[rule]();
    return message === null ? [] : [{ pointer, code: `password-${rule}`, message }];
  });
}

/** Shorter ones would forbid too much. */
const MIN_ATTRIBUTE = 4;
const MAX_SIMILARITY = 0.7;

/** The owner's names and their parts, in lower case. */
function attributes({ username, email, firstName, lastName }: PasswordOwner): string[] {
  const wholes = [username, email, firstName, lastName].map((value) => value.toLowerCase());
  const parts = wholes.flatMap((value) => value.split(/[^\p{L}\p{N}]+/u));
  return [...new Set([...wholes, ...parts])].filter((value) => value.length >= MIN_ATTRIBUTE);
}

function isSimilar(password: string, attribute: string): boolean {
  return password.includes(attribute) || diceCoefficient(password, attribute) >= MAX_SIMILARITY;
}

/** How many pairs of neighbouring characters two texts share: 0 (none) to 1 (all). */
function diceCoefficient(a: string, b: string): number {
  const inB = pairs(b);
  const total = Math.max(a.length - 1, 0) + inB.length;
  let shared = 0;
  for (const pair of pairs(a)) {
    const at = inB.indexOf(pair);
    if (at === -1) continue;
    inB.splice(at, 1);
    shared += 1;
  }
  return total === 0 ? 0 : (2 * shared) / total;
}

function pairs(text: string): string[] {
  return Array.from({ length: Math.max(text.length - 1, 0) }, (_, at) => text.slice(at, at + 2));
}
