import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import { deciderSpec } from '@annals/testing/decider-spec';
import { describe, expect, test } from 'vitest';
import * as article from './article.ts';
import * as publication from './publication.ts';

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
const rules = { prohibitedWords: [], pattern: null };
const now = '2026-11-22T10:00:00.000Z';
const publishAt = '2026-11-23T08:00:00.000Z';
const place = { ...subject, tags: ['a'] };

const created: ArticleEvent = { type: 'ArticleCreated', data: draft };
const published: ArticleEvent = { type: 'ArticlePublished', data: { ...place, publishedAt: now } };
const unpublished: ArticleEvent = { type: 'ArticleUnpublished', data: place };
const deleted: ArticleEvent = { type: 'ArticleDeleted', data: { ...place, wasPublished: false } };
const restored: ArticleEvent = { type: 'ArticleRestored', data: { ...place, isPublished: false } };
const scheduled: ArticleEvent = { type: 'ArticleScheduled', data: { ...subject, publishAt } };
const unscheduled: ArticleEvent = { type: 'ArticleUnscheduled', data: subject };
const featured: ArticleEvent = { type: 'ArticleFeatured', data: subject };
const unfeatured: ArticleEvent = { type: 'ArticleUnfeatured', data: subject };

describe('publish', () => {
  test('P4 publishes as of now, or as of a time past', () => {
    spec
      .given(created)
      .when((state) => publication.publish(state, { now }))
      .thenEvents(published);
    const publishedAt = '2020-01-01T00:00:00.000Z';
    spec
      .given(created)
      .when((state) => publication.publish(state, { now, publishedAt }))
      .thenEvents({ type: 'ArticlePublished', data: { ...subject, publishedAt, tags: ['a'] } });
  });

  test('P4 never in the future', () => {
    const publishedAt = '2026-11-22T10:00:00.001Z';
    spec
      .given(created)
      .when((state) => publication.publish(state, { now, publishedAt }))
      .thenRefused('validation-failed');
  });

  test.each(['', ' ', '<p></p>', '<p> <br /></p>'])('P4 needs content: "%s" is none', (content) => {
    const empty: ArticleEvent = { type: 'ArticleCreated', data: { ...draft, content } };
    spec
      .given(empty)
      .when((state) => publication.publish(state, { now }))
      .thenRefused('not-publishable');
  });

  test('P4 an image is content', () => {
    const image: ArticleEvent = {
      type: 'ArticleCreated',
      data: { ...draft, content: '<p><img src="https://x.org/i" /></p>' },
    };
    spec
      .given(image)
      .when((state) => publication.publish(state, { now }))
      .thenEvents(published);
  });

  test('P4 publishing the published and unpublishing a draft change nothing', () => {
    spec
      .given(created, published)
      .when((state) => publication.publish(state, { now }))
      .thenNothing();
    spec.given(created).when(publication.unpublish).thenNothing();
    spec.given(created, published).when(publication.unpublish).thenEvents(unpublished);
  });
});

describe('schedule', () => {
  const at = (time: string) => (state: article.ArticleState) =>
    publication.schedule(state, { now, publishAt: time });
  const whenDue = (time: string) => (state: article.ArticleState) =>
    publication.publishScheduled(state, time);
  const later = '2026-12-01T08:00:00.000Z';

  test('P4 a draft is published at its time, and as of it', () => {
    spec.given(created).when(at(publishAt)).thenEvents(scheduled);
    spec
      .given(created, scheduled)
      .when(whenDue(publishAt))
      .thenEvents({ type: 'ArticlePublished', data: { ...place, publishedAt: publishAt } });
  });

  test('P4 another time counts instead, and the same one changes nothing', () => {
    spec.given(created, scheduled).when(at(publishAt)).thenNothing();
    const moved: ArticleEvent = { type: 'ArticleScheduled', data: { ...subject, publishAt: later } };
    const again = spec.given(created, scheduled).when(at(later)).thenEvents(moved);
    expect(again).toMatchObject({ status: 'draft', publishAt: later });
    spec.given(created, scheduled, moved).when(whenDue(publishAt)).thenNothing();
  });

  test.each([
    ['unpublished', [unscheduled]],
    ['published meanwhile', [published]],
    ['published and unpublished meanwhile', [published, unpublished]],
    ['deleted', [deleted]],
    ['deleted and restored', [deleted, restored]],
  ])('P4 what is %s is not published when its time comes', (_, events: ArticleEvent[]) => {
    spec
      .given(created, scheduled, ...events)
      .when(whenDue(publishAt))
      .thenNothing();
  });

  test('P4 unpublishing a draft ends its schedule, once', () => {
    spec.given(created, scheduled).when(publication.unpublish).thenEvents(unscheduled);
    spec.given(created, scheduled, unscheduled).when(publication.unpublish).thenNothing();
  });

  test.each([
    [now, 'in-the-past'],
    ['2026-11-22T09:59:59.999Z', 'in-the-past'],
    ['2040-01-01T00:00:00.000Z', 'too-late'],
    ['+010000-01-01T00:59:59.000Z', 'too-late'],
  ])('P4 not at %s', (time, code) => {
    const refused = () => spec.given(created).when(at(time));
    refused().thenRefused('validation-failed', [expect.objectContaining({ pointer: '/publishAt', code })]);
  });

  test('P4 only drafts with content, which they then keep', () => {
    spec.given(created, published).when(at(publishAt)).thenRefused('validation-failed');
    const empty: ArticleEvent = { type: 'ArticleCreated', data: { ...draft, content: '' } };
    spec.given(empty).when(at(publishAt)).thenRefused('not-publishable');
    spec.given().when(at(publishAt)).thenRefused('not-found');
    const clear = (state: article.ArticleState) => article.update(state, { content: '' }, rules);
    spec.given(created, scheduled).when(clear).thenRefused('not-publishable');
  });
});

describe('feature', () => {
  test('P4 a publication is featured once, and no longer once', () => {
    spec.given(created, published).when(publication.feature).thenEvents(featured);
    spec.given(created, published, featured).when(publication.feature).thenNothing();
    spec.given(created, published, featured).when(publication.unfeature).thenEvents(unfeatured);
    spec.given(created, published, featured, unfeatured).when(publication.unfeature).thenNothing();
  });

  test('P4 a draft is not featured, nor one that was before it was unpublished', () => {
    spec.given(created).when(publication.feature).thenRefused('not-featurable');
    spec.given(created, published, featured, unpublished).when(publication.unfeature).thenNothing();
    spec
      .given(created, published, featured, unpublished, published)
      .when(publication.feature)
      .thenEvents(featured);
    for (const decide of [publication.feature, publication.unfeature])
      spec.given(created, deleted).when(decide).thenRefused('not-found');
  });
});
