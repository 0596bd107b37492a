/** Routes of articles and likes [P1–P9, P13, P15]. */
import { z } from 'zod';
import { personSummary } from '../identity/views.ts';
import { fieldChoice, listOf, listQuery } from '../kit/list.ts';
import { text, timestampInput, uuid } from '../kit/primitives.ts';
import { answers, changed, created, defineRoute, related } from '../kit/route.ts';
import {
  articleDetail,
  articleDetailFields,
  articleSummary,
  articleSummaryFields,
  historyEntry,
} from './views.ts';

const tag = 'publishing';
const byId = z.strictObject({ id: uuid });
const byIdOrSlug = z.strictObject({ idOrSlug: z.string().min(1).max(250) });

/** Letters, digits, space, hyphen and ordinary punctuation; the domain adds the list of prohibited words. */
const title = text(5, 200).refine(
  (value) => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(value) && !/[<>]/.test(value),
  'letters, digits, spaces and ordinary punctuation only',
);
/** HTML as the author wrote it, at most 512 KiB in UTF-8; the domain stores it sanitised. */
const content = z
  .string()
  .refine((value) => Buffer.byteLength(value) <= 512 * 1024, 'must not exceed 512 KiB')
  .refine(
    (value) => !value.includes('\u0000') && value.isWellFormed(),
    'must not contain NUL or unpaired surrogates',
  );
const tags = z
  .array(text(1, 50).transform((value) => value.toLowerCase()))
  .max(20)
  .transform((list) => [...new Set(list)]);
const externalId = text(1, 200);
const categoryId = uuid
  .nullable()
  .optional()
  .meta({ description: 'A category that is not retired; null: none' });

export const createArticle = defineRoute({
  name: 'createArticle',
  method: 'POST',
  path: '/v1/articles',
  service: 'command-api',
  tag,
  summary: 'Create a draft; callers with can_import may create it for another author',
  access: 'user',
  body: z.strictObject({
    title,
    content: content.optional(),
    tags: tags.optional(),
    categoryId,
    externalId: externalId.optional(),
    authorId: uuid.optional().meta({ description: 'Needs can_import' }),
  }),
  success: created,
  problems: ['title-taken', 'external-id-taken', 'slug-taken'],
});

export const updateArticle = defineRoute({
  name: 'updateArticle',
  method: 'PATCH',
  path: '/v1/articles/{id}',
  service: 'command-api',
  tag,
  summary: 'Change some fields',
  access: 'owner',
  params: byId,
  body: z.strictObject({
    title: title.optional(),
    content: content.optional(),
    tags: tags.optional(),
    categoryId,
  }),
  success: changed,
  problems: ['title-taken', 'not-publishable'],
});

export const replaceArticle = defineRoute({
  name: 'replaceArticle',
  method: 'PUT',
  path: '/v1/articles/{id}',
  service: 'command-api',
  tag,
  summary: 'Replace title, content, tags and category as a whole; without a category it stands under none',
  access: 'owner',
  params: byId,
  body: z.strictObject({ title, content, tags, categoryId }),
  success: changed,
  problems: ['title-taken', 'not-publishable'],
});

export const deleteArticle = defineRoute({
  name: 'deleteArticle',
  method: 'DELETE',
  path: '/v1/articles/{id}',
  service: 'command-api',
  tag,
  summary: 'Delete; restorable',
  access: 'owner',
  params: byId,
  success: changed,
});

export const restoreArticle = defineRoute({
  name: 'restoreArticle',
  method: 'POST',
  path: '/v1/articles/{id}/restore',
  service: 'command-api',
  tag,
  summary: 'Bring a deleted article back',
  access: 'owner',
  params: byId,
  success: changed,
  problems: ['title-taken', 'external-id-taken'],
});

export const publishArticle = defineRoute({
  name: 'publishArticle',
  method: 'POST',
  path: '/v1/articles/{id}/publish',
  service: 'command-api',
  tag,
  summary: 'Publish now or later; needs content, and can_publish for others’ articles',
  access: 'owner',
  params: byId,
  body: z
    .strictObject({
      publishedAt: timestampInput.optional().meta({ description: 'A past time; needs can_import' }),
      publishAt: timestampInput.optional().meta({
        description: 'A time to come, at which the draft is published by itself; again: another time',
      }),
    })
    .refine(({ publishedAt, publishAt }) => publishedAt === undefined || publishAt === undefined, {
      path: ['publishAt'],
      message: 'cannot be combined with publishedAt',
    }),
  bodyOptional: true,
  success: changed,
  problems: ['not-publishable'],
});

export const unpublishArticle = defineRoute({
  name: 'unpublishArticle',
  method: 'POST',
  path: '/v1/articles/{id}/unpublish',
  service: 'command-api',
  tag,
  summary: 'Make it a draft again, or let it not be published later',
  access: 'owner',
  params: byId,
  success: changed,
});

export const featureArticle = defineRoute({
  name: 'featureArticle',
  method: 'POST',
  path: '/v1/articles/{id}/feature',
  service: 'command-api',
  tag,
  summary: 'Feature a publication',
  access: 'can_feature',
  params: byId,
  success: changed,
  problems: ['not-featurable'],
});

export const unfeatureArticle = defineRoute({
  name: 'unfeatureArticle',
  method: 'POST',
  path: '/v1/articles/{id}/unfeature',
  service: 'command-api',
  tag,
  summary: 'Feature it no longer',
  access: 'can_feature',
  params: byId,
  success: changed,
});

export const likeArticle = defineRoute({
  name: 'likeArticle',
  method: 'PUT',
  path: '/v1/articles/{id}/like',
  service: 'command-api',
  tag,
  summary: 'Like; liking twice is liking once',
  access: 'user',
  params: byId,
  success: related,
});

export const unlikeArticle = defineRoute({
  name: 'unlikeArticle',
  method: 'DELETE',
  path: '/v1/articles/{id}/like',
  service: 'command-api',
  tag,
  summary: 'Take a like back',
  access: 'user',
  params: byId,
  success: related,
});

export const viewArticle = defineRoute({
  name: 'viewArticle',
  method: 'POST',
  path: '/v1/articles/{id}/views',
  service: 'command-api',
  tag,
  summary: 'Tell that a publication is being read; a reader counts once an hour',
  access: 'anyone',
  throttle: 'read',
  params: byId,
  success: { status: 202 },
  style: 'plain',
});

const bool = z.enum(['true', 'false']);
const time = timestampInput as z.ZodType<string, string>;

/** Filters, sorting and fields of article lists. */
const articleList = listQuery({
  search: true,
  filters: {
    author: { value: z.string().min(1).max(64), operators: ['eq', 'not'] },
    category: { value: z.string().min(1).max(80), operators: ['eq', 'not'] },
    tag: { value: z.string().min(1).max(50).toLowerCase(), operators: ['eq', 'not'] },
    isPublished: { value: bool, operators: ['eq'] },
    isFeatured: { value: bool, operators: ['eq'] },
    externalId: { value: externalId, operators: ['eq'] },
    createdAt: { value: time, operators: ['gte', 'lte', 'gt', 'lt'] },
    publishedAt: { value: time, operators: ['gte', 'lte', 'gt', 'lt'] },
    title: { value: z.string().min(1).max(200), operators: ['contains'] },
  },
  parameters: {
    isDeleted: bool.meta({
      description: 'true: in place of those that are there, the deleted ones that the caller may restore',
    }),
  },
  sort: ['publishedAt', 'createdAt', 'updatedAt', 'title', 'likeCount', 'commentCount'],
  fields: articleSummaryFields,
});

export const listArticles = defineRoute({
  name: 'listArticles',
  method: 'GET',
  path: '/v1/articles',
  service: 'query-api',
  tag,
  summary: 'Published articles and own drafts; staff see all',
  access: 'anyone',
  query: articleList,
  success: answers(listOf(articleSummary)),
});

export const listMyArticles = defineRoute({
  name: 'listMyArticles',
  method: 'GET',
  path: '/v1/me/articles',
  service: 'query-api',
  tag,
  summary: 'The caller’s articles, drafts included; isDeleted=true: those that were deleted',
  access: 'user',
  query: articleList,
  success: answers(listOf(articleSummary)),
});

export const getArticle = defineRoute({
  name: 'getArticle',
  method: 'GET',
  path: '/v1/articles/{idOrSlug}',
  service: 'query-api',
  tag,
  summary: 'One article with its newest comments; drafts for their author and staff',
  access: 'anyone',
  params: byIdOrSlug,
  query: z
    .strictObject({
      asOf: z
        .union([z.string().regex(/^\d{1,9}$/), timestampInput as z.ZodType<string, string>])
        .optional()
        .meta({
          description: 'A revision or a time: the article as of then, counts as of now; owner and staff',
        }),
      ...fieldChoice(articleDetailFields),
    })
    .refine((query) => !query.fields || !query.exclude, {
      path: ['exclude'],
      message: 'cannot be combined with fields',
    }),
  // `asOf` of somebody else's publication.
  problems: ['forbidden'],
  success: answers(articleDetail),
});

export const listLikers = defineRoute({
  name: 'listLikers',
  method: 'GET',
  path: '/v1/articles/{id}/likes',
  service: 'query-api',
  tag,
  summary: 'Who likes the article, newest first',
  access: 'anyone',
  params: byId,
  query: listQuery(),
  success: answers(listOf(personSummary)),
});

export const listHistory = defineRoute({
  name: 'listHistory',
  method: 'GET',
  path: '/v1/articles/{id}/history',
  service: 'query-api',
  tag,
  summary: 'Every change with who, when and a diff, newest first',
  access: 'owner',
  params: byId,
  query: listQuery(),
  success: answers(listOf(historyEntry)),
});

export const getHistoryEntry = defineRoute({
  name: 'getHistoryEntry',
  method: 'GET',
  path: '/v1/articles/{id}/history/{revision}',
  service: 'query-api',
  tag,
  summary: 'One change',
  access: 'owner',
  params: z.strictObject({
    id: uuid,
    revision: z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  }),
  success: answers(historyEntry),
});
