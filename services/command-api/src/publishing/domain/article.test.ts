import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import { deciderSpec } from '@annals/testing/decider-spec';
import { describe, expect, test } from 'vitest';
import * as article from './article.ts';

const spec = deciderSpec(article);
const subject = { articleId: 'article', authorId: 'ada' };
const draft = {
  ...subject,
  title: 'On trees',
  slug: 'on-trees',
  content: '<p>Words.</p>',
  tags: ['a'],
  externalId: null,
};
const newDraft = { ...draft, category: null };
const rules = { prohibitedWords: ['spam'], pattern: null };
const now = '2026-11-22T10:00:00.000Z';

const created: ArticleEvent = { type: 'ArticleCreated', data: draft };
const published: ArticleEvent = {
  type: 'ArticlePublished',
  data: { ...subject, publishedAt: now, tags: ['a'] },
};
const unpublished: ArticleEvent = { type: 'ArticleUnpublished', data: { ...subject, tags: ['a'] } };
const deleted: ArticleEvent = {
  type: 'ArticleDeleted',
  data: { ...subject, wasPublished: false, tags: ['a'] },
};
const restored: ArticleEvent = {
  type: 'ArticleRestored',
  data: { ...subject, isPublished: false, tags: ['a'] },
};

describe('create', () => {
  test('P1 makes a draft', () => {
    const state = spec
      .given()
      .when((state) => article.create(state, newDraft, rules))
      .thenEvents(created);
    expect(state.status).toBe('draft');
  });

  test('creating what is there changes nothing', () => {
    spec
      .given(created)
      .when((state) => article.create(state, newDraft, rules))
      .thenNothing();
  });

  test.each(['Buy spam now', 'SPAM for all', 'all about spam'])(
    'P1 refuses the prohibited word in "%s"',
    (title) => {
      const mistake = { pointer: '/title', code: 'prohibited-word', message: 'must not contain: spam' };
      spec
        .given()
        .when((state) => article.create(state, { ...newDraft, title }, rules))
        .thenRefused('validation-failed', [mistake]);
    },
  );

  test('P1 a prohibited word within another one is none', () => {
    spec
      .given()
      .when((state) => article.create(state, { ...newDraft, title: 'Spamalot' }, rules))
      .thenEvents({
        type: 'ArticleCreated',
        data: { ...draft, title: 'Spamalot' },
      });
  });

  test('P1 a strict set of characters can be configured', () => {
    const strict = { prohibitedWords: [], pattern: /^[A-Za-z0-9 -]+$/ };
    spec
      .given()
      .when((state) => article.create(state, { ...newDraft, title: 'Über uns' }, strict))
      .thenRefused('validation-failed');
  });
});

describe('update', () => {
  test.each(['', '<p> </p>'])('P4 leaves no publication without content (%j)', (content) => {
    const emptied = (state: article.ArticleState) => article.update(state, { content, tags: ['b'] }, rules);
    spec.given(created, published).when(emptied).thenRefused('not-publishable');
    const { status } = spec
      .given(created, published, unpublished)
      .when(emptied)
      .thenEvents({
        type: 'ArticleUpdated',
        data: { ...subject, isPublished: false, content, tags: ['b'], previousTags: ['a'] },
      });
    expect(status).toBe('draft');
  });

  test('P3 names what changed, and the tags before', () => {
    spec
      .given(created)
      .when((state) =>
        article.update(state, { title: 'On trees', content: '<p>New.</p>', tags: ['b'] }, rules),
      )
      .thenEvents({
        type: 'ArticleUpdated',
        data: { ...subject, isPublished: false, content: '<p>New.</p>', tags: ['b'], previousTags: ['a'] },
      });
  });

  test('to what is already so changes nothing', () => {
    const same = { title: draft.title, slug: 'another', content: draft.content, tags: draft.tags };
    spec
      .given(created)
      .when((state) => article.update(state, same, rules))
      .thenNothing();
  });

  test('P2 the slug follows the title until the article is published, and never again', () => {
    const renaming = { title: 'On bushes', slug: 'on-bushes' };
    spec
      .given(created)
      .when((state) => article.update(state, renaming, rules))
      .thenEvents({ type: 'ArticleUpdated', data: { ...subject, isPublished: false, ...renaming } });
    for (const history of [
      [created, published],
      [created, published, unpublished],
    ]) {
      const isPublished = history.length === 2;
      spec
        .given(...history)
        .when((state) => article.update(state, renaming, rules))
        .thenEvents({ type: 'ArticleUpdated', data: { ...subject, isPublished, title: 'On bushes' } });
    }
  });

  test('P1 checks a new title, and leaves an old one alone', () => {
    const strict = { prohibitedWords: ['trees'], pattern: null };
    spec
      .given(created)
      .when((state) => article.update(state, { title: 'More trees' }, strict))
      .thenRefused('validation-failed');
    spec
      .given(created)
      .when((state) => article.update(state, { title: draft.title }, strict))
      .thenNothing();
  });

  test('P11 stands under a category that is open, and may stay under a retired one', () => {
    const categoryId = 'trees';
    const open = { id: categoryId, state: { status: 'open', categoryId, name: 'T', slug: 't' } } as const;
    const retired = { id: categoryId, state: { ...open.state, status: 'retired' } } as const;
    const moved: ArticleEvent = {
      type: 'ArticleUpdated',
      data: { ...subject, isPublished: false, categoryId, previousCategoryId: null },
    };
    const move = (category: article.ChosenCategory | null) => (state: article.ArticleState) =>
      article.update(state, { category }, rules);
    spec.given(created).when(move(open)).thenEvents(moved);
    spec.given(created, moved).when(move(retired)).thenNothing();
    spec.given(created).when(move(null)).thenNothing();
    spec
      .given(created, moved)
      .when(move(null))
      .thenEvents({
        type: 'ArticleUpdated',
        data: { ...subject, isPublished: false, categoryId: null, previousCategoryId: categoryId },
      });
    const mistake = { pointer: '/categoryId', code: 'retired-category', message: 'takes no new articles' };
    spec.given(created).when(move(retired)).thenRefused('validation-failed', [mistake]);
    for (const state of [null, { status: 'none' } as const])
      spec
        .given(created)
        .when(move({ id: 'x', state }))
        .thenRefused('validation-failed');
    spec
      .given()
      .when((state) => article.create(state, { ...newDraft, category: open }, rules))
      .thenEvents({ type: 'ArticleCreated', data: { ...draft, categoryId } });
    spec
      .given()
      .when((state) => article.create(state, { ...newDraft, category: retired }, rules))
      .thenRefused('validation-failed', [mistake]);
  });

  test.each([[[]], [[created, deleted]]])('finds nothing to update', (history: ArticleEvent[]) => {
    spec
      .given(...history)
      .when((state) => article.update(state, { tags: [] }, rules))
      .thenRefused('not-found');
  });
});

describe('delete and restore', () => {
  test('P3 a deleted article comes back as it was', () => {
    const wasPublished: ArticleEvent = {
      type: 'ArticleDeleted',
      data: { ...subject, wasPublished: true, tags: ['a'] },
    };
    spec.given(created, published).when(article.remove).thenEvents(wasPublished);
    const state = spec
      .given(created, published, wasPublished)
      .when(article.restore)
      .thenEvents({ type: 'ArticleRestored', data: { ...subject, isPublished: true, tags: ['a'] } });
    expect(state).toMatchObject({ ...draft, status: 'published', isSlugPinned: true });
  });

  test('doing it twice changes nothing', () => {
    spec.given(created, deleted).when(article.remove).thenNothing();
    spec.given(created).when(article.restore).thenNothing();
    spec.given(created, deleted, restored).when(article.restore).thenNothing();
  });

  test('what was never there is not found', () => {
    spec.given().when(article.remove).thenRefused('not-found');
    spec.given().when(article.restore).thenRefused('not-found');
  });
});

describe('unique keys', () => {
  const kinds = (...history: ArticleEvent[]) =>
    article.keys(spec.given(...history).state).map(({ kind }) => kind);

  test('P2 P15 title and external id belong to the author, the slug to all', () => {
    const imported: ArticleEvent = { type: 'ArticleCreated', data: { ...draft, externalId: 'x/1' } };
    expect(article.keys(spec.given(imported).state)).toEqual([
      { kind: 'title', parts: ['ada', 'on trees'] },
      { kind: 'slug', parts: ['on-trees'] },
      { kind: 'external-id', parts: ['ada', 'x/1'] },
    ]);
  });

  test('P3 a deleted article keeps its slug alone', () => {
    expect(kinds()).toEqual([]);
    expect(kinds(created, deleted)).toEqual(['slug']);
    expect(kinds(created, deleted, restored)).toEqual(['title', 'slug']);
  });
});
