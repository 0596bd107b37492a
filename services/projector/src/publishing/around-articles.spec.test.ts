import { counterKeys, historyKey, likeKey } from '@annals/contracts/publishing/docs';
import { projectionSpec } from '@annals/testing/projection-spec';
import { describe, expect, test } from 'vitest';
import {
  ADA,
  ARTICLE,
  CATEGORY,
  COMMENT,
  commented,
  created,
  deleted,
  GRACE,
  liked,
  published,
  restored,
  unpublished,
  updated,
} from '../samples.fixture.ts';
import { articleCounters } from './article-counters.projection.ts';
import { articleHistory } from './article-history.projection.ts';
import { articleSearch } from './article-search.projection.ts';
import { comments } from './comments.projection.ts';
import { likes } from './likes.projection.ts';
import { titleWords } from './title-words.projection.ts';

const { all, author, category, tag } = counterKeys;

describe('article_search', () => {
  const spec = projectionSpec(articleSearch);

  test('P5 holds title and plain text', () => {
    const content = '<h2>A</h2><p>b<b>c</b> &amp; d</p>';
    const draft = { authorId: ADA, isPublished: false, isDeleted: false };
    spec
      .given(created({ content }))
      .thenDocument(ARTICLE, { ...draft, title: 'On Enginés', text: 'A bc & d' });
    spec
      .given(created(), updated({ title: 'New' }))
      .thenDocument(ARTICLE, { ...draft, title: 'New', text: 'Some words.' });
    spec
      .given(created(), updated({ content: '' }), updated({ tags: [], previousTags: ['one'] }))
      .thenDocument(ARTICLE, { ...draft, title: 'On Enginés', text: '' });
    spec.given(created()).thenColumns(ARTICLE, { document: 'On Enginés\nSome words.', title: 'On Enginés' });
  });

  test('P5 tells who may find it', () => {
    const standing = (isPublic: boolean, isDeleted: boolean) => ({
      author_id: ADA,
      is_public: isPublic,
      is_deleted: isDeleted,
    });
    spec.given(created()).thenColumns(ARTICLE, standing(false, false));
    spec.given(created(), published()).thenColumns(ARTICLE, standing(true, false));
    spec.given(created(), published(), unpublished()).thenColumns(ARTICLE, standing(false, false));
    spec.given(created(), published(), deleted(true)).thenColumns(ARTICLE, standing(false, true));
    const restoredAs = (isPublic: boolean) => [created(), published(), deleted(true), restored(isPublic)];
    spec.given(...restoredAs(true)).thenColumns(ARTICLE, standing(true, false));
    spec.given(...restoredAs(false)).thenColumns(ARTICLE, standing(false, false));
  });

  test('nothing is made of an update alone', () => {
    spec.given(updated({ title: 'New' }), published()).thenKeys();
  });
});

describe('title_words', () => {
  const spec = projectionSpec(titleWords);

  test('P5 holds every word that a title had, folded', () => {
    spec.given(created()).thenKeys('engines');
    spec
      .given(created(), updated({ title: 'A Motor’s «Été», again: motor' }), updated({ content: '' }))
      .thenKeys('again', 'engines', 'ete', 'motor');
  });

  test('leaves out what is too long for a word', () => {
    spec.given(created({ title: `${'x'.repeat(51)} ${'y'.repeat(50)}` })).thenKeys('y'.repeat(50));
  });
});

describe('article_history', () => {
  const spec = projectionSpec(articleHistory);

  test('P13 a row per change, with who, when and what it set', () => {
    const projected = spec.given(
      created(),
      updated({ tags: ['two'], previousTags: ['one'] }),
      published(),
      unpublished(),
      deleted(false),
      restored(false),
    );
    projected.thenKeys(...[0, 1, 2, 3, 4, 5].map((revision) => historyKey(ARTICLE, revision)));
    projected.thenDocument(historyKey(ARTICLE, 0), {
      articleId: ARTICLE,
      revision: 0,
      type: 'ArticleCreated',
      at: '2026-01-01T00:00:00.000Z',
      by: ADA,
      set: {
        title: 'On Enginés',
        slug: 'on-engines',
        content: '<p>Some <b>words</b>.</p>',
        excerpt: 'Some words.',
        readingMinutes: 1,
        tags: ['one'],
      },
    });
    const sets = [
      { tags: ['two'] },
      { isPublished: true, publishedAt: '2025-05-05T05:05:05.000Z' },
      { isPublished: false, publishedAt: null },
      { isDeleted: true },
      { isDeleted: false },
    ];
    for (const [at, set] of sets.entries()) projected.thenFields(historyKey(ARTICLE, at + 1), { set });
    projected.thenFields(historyKey(ARTICLE, 2), { by: null });
  });
});

describe('comments', () => {
  test('P10 a row per comment', () => {
    const projected = projectionSpec(comments).given(commented());
    const view = {
      id: COMMENT,
      articleId: ARTICLE,
      parentId: null,
      content: 'Indeed.',
      createdAt: '2026-01-01T00:00:00.000Z',
      isHidden: false,
    };
    projected.thenDocument(COMMENT, { ...view, authorId: GRACE, hidden: null, revision: 0 });
    projected.thenColumns(COMMENT, {
      part: JSON.stringify(view).slice(0, -1),
      whole: null,
      article_id: ARTICLE,
      author_id: GRACE,
    });
  });
});

test('P10 a hidden comment is shown without its content, but to those who may see it', () => {
  const data = { commentId: COMMENT, articleId: ARTICLE, reason: 'Off topic' };
  const hidden = { type: 'CommentHidden', data, actor: { kind: 'user', id: ADA } } as const;
  const projected = projectionSpec(comments).given(commented(), hidden);
  projected.thenColumns(COMMENT, {
    part: expect.stringMatching(/"content":"".*"isHidden":true$/),
    whole: expect.stringContaining(`"reason":"Off topic","at":"2026-01-01T00:00:01.000Z","by":"${ADA}"`),
  });
  projected.thenColumns(COMMENT, { whole: expect.stringContaining('Indeed.') });
  projectionSpec(comments).given(hidden).thenKeys();
});

describe('likes', () => {
  const spec = projectionSpec(likes);

  test('P9 a row per liker, gone with the like', () => {
    spec.given(liked(ADA)).thenDocument(likeKey(ARTICLE, ADA), {
      articleId: ARTICLE,
      userId: ADA,
      likedAt: '2026-01-01T00:00:00.000Z',
    });
    spec.given(liked(ADA), liked(GRACE), liked(ADA, 'ArticleUnliked')).thenKeys(likeKey(ARTICLE, GRACE));
  });
});

describe('article_counters', () => {
  const spec = projectionSpec(articleCounters);
  const other = '01990000-0000-7000-8000-000000000002';
  const second = { ...published(['two']), data: { ...published(['two']).data, articleId: other } };

  test('P5 publications count for all, for their author and for each of their tags', () => {
    const projected = spec.given(published(['one', 'two']), second);
    projected.thenDocument(all, { kind: 'all', name: '', count: 2 });
    projected.thenDocument(author(ADA), { kind: 'author', name: ADA, count: 2 });
    projected.thenDocument(tag('one'), { kind: 'tag', name: 'one', count: 1 });
    projected.thenDocument(tag('two'), { kind: 'tag', name: 'two', count: 2 });
  });

  test('P11 a category counts its published articles, wherever they move', () => {
    const inCategory = published([], { categoryId: CATEGORY });
    spec.given(inCategory).thenFields(category(CATEGORY), { kind: 'category', name: CATEGORY, count: 1 });
    const move = { isPublished: true, categoryId: GRACE, previousCategoryId: CATEGORY };
    spec.given(inCategory, updated(move)).thenKeys(all, author(ADA), category(GRACE));
    spec.given(inCategory, updated({ ...move, categoryId: null }), unpublished({ tags: [] })).thenKeys();
    spec.given(published([]), updated({ ...move, isPublished: false })).thenKeys(all, author(ADA));
  });

  test('P11 a tag with a colon counts under its whole name', () => {
    spec.given(published(['a:b:c'])).thenFields(tag('a:b:c'), { name: 'a:b:c' });
  });

  test('P5 what is no longer published does not count', () => {
    spec.given(published(), unpublished()).thenKeys();
    spec.given(published(), deleted(true)).thenKeys();
    spec.given(published(), deleted(true), restored(true)).thenKeys(all, author(ADA), tag('one'));
    spec.given(deleted(false), restored(false)).thenKeys();
  });

  test('P5 a published article’s new tags count, and those it gave up do not', () => {
    const retag = { isPublished: true, tags: ['one', 'three'], previousTags: ['one', 'two'] };
    spec
      .given(published(['one', 'two']), updated(retag))
      .thenKeys(all, author(ADA), tag('one'), tag('three'));
    spec
      .given(published(['one']), updated({ ...retag, isPublished: false }))
      .thenKeys(all, author(ADA), tag('one'));
    spec
      .given(published(['one']), updated({ isPublished: true, title: 'New' }))
      .thenKeys(all, author(ADA), tag('one'));
  });
});
