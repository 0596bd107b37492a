/** Routes of categories and tags [P11]. */
import { z } from 'zod';
import { listOf, listQuery } from '../kit/list.ts';
import { text, uuid } from '../kit/primitives.ts';
import { answers, changed, created, defineRoute } from '../kit/route.ts';
import { categoryView, tagView } from './category.views.ts';

const tag = 'publishing';
const byId = z.strictObject({ id: uuid });

const name = text(1, 100);
const slug = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'lower-case letters, digits and single hyphens between them')
  .refine((value) => !z.uuid().safeParse(value).success, 'must not look like an id');

export const createCategory = defineRoute({
  name: 'createCategory',
  method: 'POST',
  path: '/v1/categories',
  service: 'command-api',
  tag,
  summary: 'Create a category; its slug follows from the name unless it is given',
  access: 'staff',
  body: z.strictObject({ name, slug: slug.optional() }),
  success: created,
  problems: ['category-name-taken', 'category-slug-taken'],
});

export const renameCategory = defineRoute({
  name: 'renameCategory',
  method: 'PATCH',
  path: '/v1/categories/{id}',
  service: 'command-api',
  tag,
  summary: 'Rename a category; its slug stays unless another is given',
  access: 'staff',
  params: byId,
  body: z.strictObject({ name: name.optional(), slug: slug.optional() }),
  success: changed,
  problems: ['category-name-taken', 'category-slug-taken'],
});

export const retireCategory = defineRoute({
  name: 'retireCategory',
  method: 'POST',
  path: '/v1/categories/{id}/retire',
  service: 'command-api',
  tag,
  summary: 'Take no more articles into a category; those that it has stay in it',
  access: 'staff',
  params: byId,
  success: changed,
});

export const listCategories = defineRoute({
  name: 'listCategories',
  method: 'GET',
  path: '/v1/categories',
  service: 'query-api',
  tag,
  summary: 'Categories by name, retired ones included',
  access: 'anyone',
  query: listQuery({
    sort: ['name', 'createdAt'],
    filters: {
      isRetired: { value: z.enum(['true', 'false']), operators: ['eq'] },
      name: { value: z.string().min(1).max(100), operators: ['contains'] },
    },
  }),
  success: answers(listOf(categoryView)),
});

export const getCategory = defineRoute({
  name: 'getCategory',
  method: 'GET',
  path: '/v1/categories/{idOrSlug}',
  service: 'query-api',
  tag,
  summary: 'One category',
  access: 'anyone',
  params: z.strictObject({ idOrSlug: z.string().min(1).max(80) }),
  success: answers(categoryView),
});

export const listTags = defineRoute({
  name: 'listTags',
  method: 'GET',
  path: '/v1/tags',
  service: 'query-api',
  tag,
  summary: 'Tags of published articles, those of most articles first',
  access: 'anyone',
  query: listQuery({
    sort: ['articleCount', 'name'],
    filters: { name: { value: z.string().min(1).max(50).toLowerCase(), operators: ['eq', 'contains'] } },
  }),
  success: answers(listOf(tagView)),
});
