/** The contract of the key store port. */
import { randomUUID } from 'node:crypto';
import type { KeyStore } from '@annals/platform/privacy/port';
import { beforeAll, describe, expect, it } from 'vitest';

/** Runs the contract against an adapter; `open` gives another store over the same keys with every call. */
export function keyStoreSuite(name: string, open: () => Promise<KeyStore> | KeyStore): void {
  describe(`key store: ${name}`, () => {
    let store: KeyStore;
    beforeAll(async () => {
      store = await open();
    });

    it('makes a key of 256 bits for each person, once', async () => {
      const [a, b] = [randomUUID(), randomUUID()];
      const first = await store.ensure([a, b, a]);
      expect([...first.keys()].sort()).toEqual([a, b].sort());
      const keyA = first.get(a);
      expect(keyA?.state === 'usable' && keyA.key).toHaveLength(32);
      expect(first.get(a)).not.toEqual(first.get(b));
      expect(await store.ensure([b, a])).toEqual(first);
      expect(await (await open()).read([a, b])).toEqual(first);
    });

    it('makes one key, whoever races for it', async () => {
      const subjects = Array.from({ length: 20 }, () => randomUUID());
      const stores = await Promise.all(Array.from({ length: 4 }, open));
      const raced = await Promise.all(
        stores.map((racer, index) => racer.ensure(index % 2 ? subjects : subjects.toReversed())),
      );
      for (const result of raced)
        expect(new Map([...result].sort())).toEqual(new Map([...(raced[0] ?? [])].sort()));
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
