/** The contract of the key store port. */
import { randomUUID } from 'node:crypto';
import type { KeyStore, SubjectKey } from '@annals/platform/privacy/port';
import { beforeAll, describe, expect, it } from 'vitest';

/** Keys by person as text, so that they compare. */
const plain = (keys: Map<string, SubjectKey>) =>
  Object.fromEntries(
    [...keys].map(([subject, key]) => [
      subject,
      key.state === 'usable' ? key.key.export().toString('hex') : 'destroyed',
    ]),
  );

/** Runs the contract against an adapter; `open` gives another store over the same keys with every call. */
export function keyStoreSuite(name: string, open: () => Promise<KeyStore> | KeyStore): void {
  describe(`key store: ${name}`, () => {
    let store: KeyStore;
    beforeAll(async () => {
      store = await open();
    });

    it('makes a key of 256 bits for each person, once', async () => {
      const [a, b] = [randomUUID(), randomUUID()];
      const first = plain(await store.ensure([a, b, a]));
      expect(first).toEqual({
        [a]: expect.stringMatching(/^[0-9a-f]{64}$/),
        [b]: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(first[a]).not.toEqual(first[b]);
      expect(plain(await store.ensure([b, a]))).toEqual(first);
      expect(plain(await (await open()).read([a, b]))).toEqual(first);
    });

    it('makes one key, whoever races for it', async () => {
      const subjects = Array.from({ length: 20 }, () => randomUUID());
      const stores = await Promise.all(Array.from({ length: 4 }, open));
      const raced = await Promise.all(
        stores.map((racer, index) => racer.ensure(index % 2 ? subjects : subjects.toReversed())),
      );
      for (const result of raced) expect(plain(result)).toEqual(plain(raced[0] ?? new Map()));
      expect(raced[0]?.size).toBe(20);
    });

    it('gives no key where none was made, and makes none by reading', async () => {
      const subject = randomUUID();
      expect(await store.read([subject])).toEqual(new Map());
      expect(await store.read([subject])).toEqual(new Map());
      expect((await store.ensure([subject])).size).toBe(1);
    });

    it('answers an empty question', async () => {
      expect(await store.read([])).toEqual(new Map());
      expect(await store.ensure([])).toEqual(new Map());
    });

    it('leaves a marker where a key was destroyed, and never makes it anew', async () => {
      const subject = randomUUID();
      const destroyed = new Map([[subject, { state: 'destroyed' }]]);
      await store.ensure([subject]);
      await store.destroy(subject);
      expect(await store.read([subject])).toEqual(destroyed);
      expect(await store.ensure([subject])).toEqual(destroyed);
      await store.destroy(subject);
      expect(await (await open()).read([subject])).toEqual(destroyed);
    });

    it('leaves the marker of a person who never had a key', async () => {
      const subject = randomUUID();
      await store.destroy(subject);
      expect(await store.ensure([subject])).toEqual(new Map([[subject, { state: 'destroyed' }]]));
    });
  });
}
