/** What queries about categories and tags answer with. */
import { z } from 'zod';
import { timestamp, uuid } from '../kit/primitives.ts';

/** A category as articles name it; one that the view has not heard of yet has nothing but its id. */
export const categorySummary = z
  .object({ id: uuid, slug: z.string().nullable(), name: z.string().nullable() })
  .meta({ id: 'CategorySummary' });
export type CategorySummary = z.infer<typeof categorySummary>;

/** A category. */
export const categoryView = z
  .object({
    id: uuid,
    slug: z.string(),
    name: z.string(),
    isRetired: z.boolean().meta({ description: 'It takes no new articles' }),
    createdAt: timestamp,
    updatedAt: timestamp,
    revision: z.int().nonnegative(),
    articleCount: z.int().nonnegative().meta({ description: 'Published articles' }),
  })
  .meta({ id: 'Category' });
export type CategoryView = z.infer<typeof categoryView>;

/** A tag of published articles. */
export const tagView = z
  .object({
    name: z.string(),
    articleCount: z.int().positive().meta({ description: 'Published articles' }),
  })
  .meta({ id: 'Tag' });
