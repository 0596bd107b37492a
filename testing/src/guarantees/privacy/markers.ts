/** Texts that stand nowhere else: planted as personal data, and looked for wherever bytes come to rest. */
import { randomInt } from 'node:crypto';
import { catalogue } from '@annals/contracts/catalogue';

/** Every personal field of every event. */
export const personalFields: ReadonlySet<string> = new Set(
  [...catalogue.values()].flatMap((entry) => entry.personalFields),
);

/** What makes a marker a valid value. A personal field without an entry here fails the test that asks for it. */
const shapes: Readonly<Record<string, (marker: string) => string>> = {
  username: (marker) => marker,
  email: (marker) => `${marker}@example.org`,
  firstName: (marker) => `First ${marker}`,
  lastName: (marker) => `Last ${marker}`,
  bio: (marker) => `Of ${marker}, a life.`,
  website: (marker) => `https://example.org/${marker}`,
  /** Not of events; secret all the same. */
  login: (marker) => marker,
  password: (marker) => `Correct-${marker}-7`,
};

export class Markers {
  /** Secrets have letters of their own, since a password must not look like a name. */
  readonly #open = letters();
  readonly #secret = letters();
  readonly #places: string[] = [];

  get count(): number {
    return this.#places.length;
  }

  /** A valid value of `field` with a new marker in it; `place` says what became of it. */
  plant(field: string, place: string): string {
    const shape = shapes[field];
    if (!shape) throw new Error(`how is the personal field ${field} planted?`);
    const letters = field === 'password' ? this.#secret : this.#open;
    return shape(`${letters}${this.#places.push(`${field} ${place}`) - 1}z`);
  }

  /** A bare marker. */
  bare(place: string): string {
    return `${this.#open}${this.#places.push(place) - 1}z`;
  }

  /** The places of the markers in `text`: as they are, in hexadecimal, and in Base64. */
  find(text: string): string[] {
    const found = new Set<string>();
    const lower = text.toLowerCase();
    for (const letters of [this.#open, this.#secret]) {
      for (const [, index] of lower.matchAll(new RegExp(`${letters}(\\d+)z`, 'g')))
        found.add(this.#places[Number(index)] ?? 'unknown');
      const hex = Buffer.from(letters).toString('hex');
      if (lower.includes(hex)) found.add('something in hexadecimal');
      for (const encoded of inBase64(letters)) if (text.includes(encoded)) found.add('something in Base64');
    }
    return [...found];
  }
}

function letters(): string {
  return Array.from({ length: 9 }, () => String.fromCharCode(97 + randomInt(25))).join('');
}

/** What of a text's Base64 is the same whatever stands around it, for each of the three ways it may be cut. */
function inBase64(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from(' '.repeat(shift) + text).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
}
