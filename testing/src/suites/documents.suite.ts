/** The contract of the document read port: every adapter passes it on what its own view store wrote. */
import { viewName } from '@annals/platform/consumer/projection';
import type { Documents } from '@annals/platform/read-store/documents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  at,
  type Counted,
  claimOf,
  projectionOf,
  registrationOf,
  START,
  type StoreUnderTest,
  writes,
} from './consumer-store/kit.ts';

export interface DocumentsAdapter {
  open(): Promise<StoreUnderTest & { readonly documents: Documents }>;
}

/** Runs the contract against an adapter. `name` tells the runs apart. */
export function documentsSuite(name: string, adapter: DocumentsAdapter): void {
  describe(`documents: ${name}`, () => {
    let opened: Awaited<ReturnType<DocumentsAdapter['open']>>;
    const projection = projectionOf('documents');
    const view = viewName(projection);
    const ada: Counted = { count: 1, slug: 'ada-ünï', more: { deep: [1, null, 'x'] } };
    const bob: Counted = { count: 2, slug: 'bob\'s "slug"', friends: ['ada', 'none'] };

    beforeAll(async () => {
      opened = await adapter.open();
      await opened.store.prepare([registrationOf(projection)], START);
      const claim = await claimOf(opened.store, view, 'one');
      await opened.store.commit(claim, at(1), writes({ upserts: { ada, bob } }));
    });
    afterAll(() => opened.drop());

    test('by keys: those that are there, as they were written', async () => {
      const found = await opened.documents.findByIds<Counted>(view, ['bob', 'none', 'ada']);
      expect(Object.fromEntries(found)).toEqual({ ada, bob });
      expect((await opened.documents.findByIds(view, [])).size).toBe(0);
    });

    test('by a field that the projection declares', async () => {
      expect(await opened.documents.findBy<Counted>(view, 'slug', ada.slug)).toEqual({
        key: 'ada',
        doc: ada,
      });
      expect(await opened.documents.findBy<Counted>(view, 'slug', bob.slug)).toEqual({
        key: 'bob',
        doc: bob,
      });
      expect(await opened.documents.findBy(view, 'slug', 'none')).toBeNull();
    });

    test('together with the documents that it refers to, those that are there', async () => {
      const { documents } = opened;
      const friends = { field: 'friends', view };
      expect(await documents.findWith<Counted, Counted>(view, { key: 'bob' }, friends)).toEqual({
        key: 'bob',
        doc: bob,
        others: { ada },
      });
      const bySlug = { field: 'slug', value: ada.slug };
      expect(await documents.findWith<Counted, Counted>(view, bySlug, friends)).toEqual({
        key: 'ada',
        doc: ada,
        others: {},
      });
      expect(await documents.findWith(view, { key: 'none' }, friends)).toBeNull();
      await expect(documents.findWith(view, { key: 'x' }, { ...friends, field: '"' })).rejects.toThrow(
        'no name',
      );
    });

    test('names that could be statements are refused', async () => {
      await expect(opened.documents.findBy(view, "slug' = '' or '", 'x')).rejects.toThrow('no name');
      await expect(opened.documents.findByIds(`${view}; select 1`, ['x'])).rejects.toThrow('no name');
    });
  });
}
