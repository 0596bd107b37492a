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
      .when((state) => article.create(state, draft, rules))
      .thenEvents(created);
    expect(state.status).toBe('draft');
  });

  test('creating what is there changes nothing', () => {
    spec
      .given(created)
      .when((state) => article.create(state, draft, rules))
      .thenNothing();
  });

  test.each(['Buy spam now', 'SPAM for all', 'all about spam'])(
    'P1 refuses the prohibited word in "%s"',
    (title) => {
      const mistake = { pointer: '/title', code: 'prohibited-word', message: 'must not contain: spam' };
      spec
        .given()
        .when((state) => article.create(state, { ...draft, title }, rules))
        .thenRefused('validation-failed', [mistake]);
    },
  );

  test('P1 a prohibited word within another one is none', () => {
    spec
      .given()
      .when((state) => article.create(state, { ...draft, title: 'Spamalot' }, rules))
      .thenEvents({
        type: 'ArticleCreated',
        data: { ...draft, title: 'Spamalot' },
      });
  });

  test('P1 a strict set of characters can be configured', () => {
    const strict = { prohibitedWords: [], pattern: /^[A-Za-z0-9 -]+$/ };
    spec
      .given()
      .when((state) => article.create(state, { ...draft, title: 'Über uns' }, strict))
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

  test.each([[[]], [[created, deleted]]])('finds nothing to update', (history: ArticleEvent[]) => {
    spec
      .given(...history)
      .when((state) => article.update(state, { tags: [] }, rules))
      .thenRefused('not-found');
  });
});

describe('publish', () => {
  test('P4 publishes as of now, or as of a time past', () => {
    spec
      .given(created)
      .when((state) => article.publish(state, { now }))
      .thenEvents(published);
    const publishedAt = '2020-01-01T00:00:00.000Z';
    spec
      .given(created)
      .when((state) => article.publish(state, { now, publishedAt }))
      .thenEvents({ type: 'ArticlePublished', data: { ...subject, publishedAt, tags: ['a'] } });
  });

  test('P4 never in the future', () => {
    const publishedAt = '2026-11-22T10:00:00.001Z';
    spec
      .given(created)
      .when((state) => article.publish(state, { now, publishedAt }))
      .thenRefused('validation-failed');
  });

  test.each(['', ' ', '<p></p>', '<p> <br /></p>'])('P4 needs content: "%s" is none', (content) => {
    const empty: ArticleEvent = { type: 'ArticleCreated', data: { ...draft, content } };
    spec
      .given(empty)
      .when((state) => article.publish(state, { now }))
      .thenRefused('not-publishable');
  });

  test('P4 an image is content', () => {
    const image: ArticleEvent = {
      type: 'ArticleCreated',
      data: { ...draft, content: '<p><img src="https://x.org/i" /></p>' },
    };
    spec
      .given(image)
      .when((state) => article.publish(state, { now }))
      .thenEvents(published);
  });

  test('P4 publishing the published and unpublishing a draft change nothing', () => {
    spec
      .given(created, published)
      .when((state) => article.publish(state, { now }))
      .thenNothing();
    spec.given(created).when(article.unpublish).thenNothing();
    spec.given(created, published).when(article.unpublish).thenEvents(unpublished);
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
