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
  lapsed,
  liked,
  ofArticle,
  published,
  restored,
  unpublished,
  updated,
} from '../samples.fixture.ts';
import { articleDetails } from './article-details.projection.ts';
import { articleList } from './article-list.projection.ts';

const list = projectionSpec(articleList);
const details = projectionSpec(articleDetails);

const draft = {
  id: ARTICLE,
  slug: 'on-engines',
  title: 'On Enginés',
  excerpt: 'Some words.',
  readingMinutes: 1,
  updatedBy: null,
  tags: ['one'],
  documents: [],
  isPublished: false,
  isFeatured: false,
  publishedAt: null,
  publishAt: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  likeCount: 0,
  commentCount: 0,
  viewCount: 0,
  revision: 0,
  externalId: null,
  authorId: ADA,
  categoryId: null,
  isDeleted: false,
};

describe('article_list', () => {
  test('P1 a created article is a draft', () => {
    list.given(created()).thenDocument(ARTICLE, draft);
    list.given(created({ content: '' })).thenFields(ARTICLE, { excerpt: '', readingMinutes: 0 });
  });

  test('P3 an update changes what it names, and says who did it', () => {
    const updatedAt = '2026-01-01T00:00:01.000Z';
    const touched = { updatedBy: GRACE, updatedAt, revision: 1 };
    list.given(created(), updated({ title: 'New', slug: 'new' })).thenDocument(ARTICLE, {
      ...draft,
      ...touched,
      title: 'New',
      slug: 'new',
    });
    list
      .given(created(), updated({ content: '<p>Other.</p>', tags: [], previousTags: ['one'] }))
      .thenDocument(ARTICLE, { ...draft, ...touched, excerpt: 'Other.', tags: [] });
  });

  test('P11 an article stands under one category, or none', () => {
    list.given(created({ categoryId: CATEGORY })).thenDocument(ARTICLE, { ...draft, categoryId: CATEGORY });
    list.given(created({ categoryId: CATEGORY })).thenColumns(ARTICLE, { category_id: CATEGORY });
    const move = (categoryId: string | null) => updated({ categoryId, previousCategoryId: null });
    list.given(created(), move(CATEGORY)).thenFields(ARTICLE, { categoryId: CATEGORY });
    list
      .given(created(), move(CATEGORY), updated({ title: 'New' }))
      .thenFields(ARTICLE, { categoryId: CATEGORY });
    list.given(created(), move(CATEGORY), move(null)).thenFields(ARTICLE, { categoryId: null });
  });

  test('P4 publishing and unpublishing', () => {
    const publishedAt = '2025-05-05T05:05:05.000Z';
    list
      .given(created(), published())
      .thenFields(ARTICLE, { isPublished: true, publishedAt, updatedBy: null, revision: 1 });
    list
      .given(created(), published(), unpublished())
      .thenFields(ARTICLE, { isPublished: false, publishedAt: null, revision: 2 });
  });

  test('P4 a schedule lasts until it is taken back, over, or the article is deleted', () => {
    const publishAt = '2027-01-01T08:00:00.000Z';
    const scheduled = ofArticle('ArticleScheduled', { publishAt });
    list.given(created(), scheduled).thenFields(ARTICLE, { publishAt, isPublished: false, revision: 1 });
    for (const end of [ofArticle('ArticleUnscheduled'), published(), deleted(false)])
      list.given(created(), scheduled, end).thenFields(ARTICLE, { publishAt: null });
  });

  test('P4 an article is featured until it is taken back or unpublished', () => {
    const featured = [created(), published(), ofArticle('ArticleFeatured')];
    list.given(...featured).thenFields(ARTICLE, { isFeatured: true, revision: 2 });
    list.given(...featured).thenColumns(ARTICLE, { is_featured: true });
    for (const end of [ofArticle('ArticleUnfeatured'), unpublished()])
      list.given(...featured, end).thenFields(ARTICLE, { isFeatured: false });
    list.given(...featured, deleted(true), restored(true)).thenFields(ARTICLE, { isFeatured: true });
  });

  test('P3 a deleted article keeps its row and comes back as it was, counts included', () => {
    const history = [created(), published(), liked(GRACE), commented()];
    list
      .given(...history, deleted(true))
      .thenFields(ARTICLE, { isDeleted: true, isPublished: true, likeCount: 1 });
    list.given(...history, deleted(true), liked(ADA), restored(true)).thenFields(ARTICLE, {
      isDeleted: false,
      isPublished: true,
      likeCount: 2,
      commentCount: 1,
      revision: 3,
    });
  });

  test('P9 likes are counted, and leave the article’s revision alone', () => {
    const events = [created(), liked(ADA), liked(GRACE), liked(ADA, 'ArticleUnliked')];
    list.given(...events).thenDocument(ARTICLE, { ...draft, likeCount: 1 });
  });

  test('P12 views add up, and leave the article’s revision alone', () => {
    const viewed = (count: number, articleId = ARTICLE) => ({
      type: 'ViewsCounted',
      data: {
        viewsId: COMMENT,
        articles: [
          { articleId: CATEGORY, count: 9 },
          { articleId, count },
        ],
      },
    });
    list.given(created(), viewed(2), viewed(3)).thenDocument(ARTICLE, { ...draft, viewCount: 5 });
    list.given(viewed(2)).thenKeys();
  });

  test('P9 P10 likes and comments of an article that is not there make none', () => {
    list
      .given(
        liked(ADA),
        commented(),
        liked(ADA, 'ArticleUnliked'),
        updated({ title: 'New' }),
        lapsed(`article-${ARTICLE}`),
      )
      .thenKeys();
  });

  test('a lapsed reservation in its stream moves the revision alone', () => {
    list
      .given(created(), lapsed(`article-${ARTICLE}`), lapsed(`user-${ADA}`))
      .thenDocument(ARTICLE, { ...draft, revision: 1 });
  });

  test('P5 its columns are what lists filter and sort by', () => {
    const { authorId: _, categoryId: __, isDeleted: ___, ...part } = draft;
    const projected = list.given(created());
    projected.thenColumns(ARTICLE, {
      part: JSON.stringify(part).slice(0, -1),
      author_id: ADA,
      title_folded: 'on engines',
      is_public: false,
      published_at: '-infinity',
    });
    list
      .given(created(), published())
      .thenColumns(ARTICLE, { is_public: true, published_at: '2025-05-05T05:05:05.000Z' });
    list
      .given(created(), published(), deleted(true))
      .thenColumns(ARTICLE, { is_public: false, is_deleted: true });
  });
});

describe('article_details', () => {
  const comment = {
    id: COMMENT,
    articleId: ARTICLE,
    parentId: null,
    content: 'Indeed.',
    createdAt: '2026-01-01T00:00:02.000Z',
    isHidden: false,
    authorId: GRACE,
    hidden: null,
    revision: 0,
  };

  test('P7 a document holds the summary, the content and the newest comments', () => {
    details.given(created(), updated({ content: '<p>Other.</p>' }), commented()).thenDocument(ARTICLE, {
      id: ARTICLE,
      activeSlug: 'on-engines',
      content: '<p>Other.</p>',
      comments: [comment],
      people: [ADA, GRACE],
      summary: {
        ...draft,
        ...{ excerpt: 'Other.', commentCount: 1, revision: 1, updatedBy: GRACE },
        updatedAt: '2026-01-01T00:00:01.000Z',
      },
    });
  });

  test('P10 a hidden comment stays among the newest, and counts', () => {
    const reason = 'Off topic';
    const data = { commentId: COMMENT, articleId: ARTICLE, reason };
    const event = { type: 'CommentHidden', data, actor: { kind: 'user', id: GRACE } } as const;
    const hidden = { reason, at: '2026-01-01T00:00:02.000Z', by: GRACE };
    const at = { createdAt: '2026-01-01T00:00:01.000Z', revision: 1 };
    details.given(created(), commented(), event).thenFields(ARTICLE, {
      comments: [{ ...comment, ...at, isHidden: true, hidden }],
      summary: expect.objectContaining({ commentCount: 1, revision: 0 }),
    });
  });

  test('P7 of many comments it holds the newest ten, newest first', () => {
    const ids = Array.from({ length: 12 }, (_, n) => COMMENT.replace(/.$/, n.toString(16)));
    const events = ids.map((id) => commented(id));
    const projected = details.given(created(), ...events);
    projected.thenFields(ARTICLE, {
      comments: ids
        .slice(2)
        .reverse()
        .map((id) => expect.objectContaining({ id })),
    });
    projected.thenFields(ARTICLE, { summary: expect.objectContaining({ commentCount: 12 }) });
  });

  test('P3 while deleted it is found by no slug', () => {
    details.given(created(), deleted(false)).thenFields(ARTICLE, { activeSlug: null });
    details
      .given(created(), deleted(false), restored(false))
      .thenFields(ARTICLE, { activeSlug: 'on-engines' });
  });

  test('P9 P10 nothing is made of an article that is not there', () => {
    details.given(liked(ADA), commented(), published()).thenKeys();
  });
});
