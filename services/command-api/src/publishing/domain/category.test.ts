import { deciderSpec } from '@annals/testing/decider-spec';
import { describe, expect, test } from 'vitest';
import * as category from './category.ts';

const spec = deciderSpec(category);
const categoryId = 'machines';
const created = {
  type: 'CategoryCreated',
  data: { categoryId, name: 'Machines', slug: 'machines' },
} as const;
const renamed = { type: 'CategoryRenamed', data: { categoryId, name: 'Engines', slug: 'machines' } } as const;
const retired = { type: 'CategoryRetired', data: { categoryId } } as const;

describe('a category', () => {
  test('P11 is created once', () => {
    spec
      .given()
      .when((state) => category.create(state, created.data))
      .thenEvents(created);
    spec
      .given(created)
      .when((state) => category.create(state, created.data))
      .thenNothing();
  });

  test('P11 takes another name and keeps its slug, unless another is given', () => {
    spec
      .given(created)
      .when((state) => category.rename(state, { name: 'Engines' }))
      .thenEvents(renamed);
    spec
      .given(created, renamed, retired)
      .when((state) => category.rename(state, { slug: 'engines' }))
      .thenEvents({ type: 'CategoryRenamed', data: { categoryId, name: 'Engines', slug: 'engines' } });
    for (const change of [{}, { name: 'Engines' }, { slug: 'machines' }])
      spec
        .given(created, renamed)
        .when((state) => category.rename(state, change))
        .thenNothing();
  });

  test('P11 is retired once', () => {
    spec.given(created).when(category.retire).thenEvents(retired);
    spec.given(created, retired).when(category.retire).thenNothing();
  });

  test('P11 that is not there is neither renamed nor retired', () => {
    for (const decide of [category.retire, (state: category.CategoryState) => category.rename(state, {})])
      spec.given().when(decide).thenRefused('not-found');
  });

  test('P11 keeps name and slug for itself, be it retired', () => {
    const keys = [
      { kind: 'category-name', parts: ['engines'] },
      { kind: 'category-slug', parts: ['machines'] },
    ];
    const state = [created, renamed, retired].reduce(category.evolve, category.initial);
    expect(category.keys(state)).toEqual(keys);
    expect(category.keys(category.initial)).toEqual([]);
  });
});
