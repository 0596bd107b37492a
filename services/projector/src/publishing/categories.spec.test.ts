import { projectionSpec } from '@annals/testing/projection-spec';
import { describe, expect, test } from 'vitest';
import { CATEGORY, categoryCreated, lapsed } from '../samples.fixture.ts';
import { categories } from './categories.projection.ts';
import { categoryDocuments } from './category-documents.projection.ts';

const renamed = {
  type: 'CategoryRenamed',
  data: { categoryId: CATEGORY, name: 'Éngines', slug: 'engines' },
};
const retired = { type: 'CategoryRetired', data: { categoryId: CATEGORY } };
const created = {
  id: CATEGORY,
  slug: 'machines',
  name: 'Machines',
  isRetired: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  revision: 0,
};

describe.each([
  ['categories', projectionSpec(categories)],
  ['category_documents', projectionSpec(categoryDocuments)],
])('%s', (_, spec) => {
  test('P11 a category is created, renamed and retired, and stays', () => {
    spec.given(categoryCreated()).thenDocument(CATEGORY, created);
    spec.given(categoryCreated(), renamed, retired).thenDocument(CATEGORY, {
      ...created,
      ...{ slug: 'engines', name: 'Éngines', isRetired: true, revision: 2 },
      updatedAt: '2026-01-01T00:00:02.000Z',
    });
  });

  test('a lapsed reservation in its stream moves the revision alone; what is not there stays away', () => {
    spec
      .given(categoryCreated(), lapsed(`category-${CATEGORY}`), lapsed(`article-${CATEGORY}`))
      .thenDocument(CATEGORY, { ...created, revision: 1 });
    spec.given(renamed, retired).thenKeys();
  });
});

test('P11 a category’s columns are what lists sort by and articles join', () => {
  projectionSpec(categories)
    .given(categoryCreated(), renamed)
    .thenColumns(CATEGORY, {
      part: expect.stringMatching(/^\{"id":.*[^}]$/),
      summary: JSON.stringify({ id: CATEGORY, slug: 'engines', name: 'Éngines' }),
      slug: 'engines',
      name_folded: 'engines',
      is_retired: false,
    });
});
