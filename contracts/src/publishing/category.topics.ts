/** What other systems may know of categories: all of them are public, retired ones too. */
import { z } from 'zod';
import { timestamp, uuid } from '../kit/primitives.ts';
import { defineTopicState } from '../kit/topic.ts';
import { category } from './category.events.ts';

const state = z.object({
  id: uuid.meta({ description: 'The category' }),
  name: z.string(),
  slug: z.string(),
  isRetired: z.boolean().meta({ description: 'It takes no new articles' }),
  updatedAt: timestamp,
  revision: z.int().nonnegative().meta({ description: 'Grows with every change' }),
});

export const categoryTopicState = defineTopicState<z.infer<typeof state>>()('publishing', category, {
  name: 'category-state',
  version: 1,
  summary: 'A category',
  data: state,
  handles: ['CategoryCreated', 'CategoryRenamed', 'CategoryRetired'],
  evolve(current, { type, data, metadata, revision }) {
    const change = { updatedAt: metadata.occurredAt, revision };
    if (type === 'CategoryCreated') {
      const { categoryId: id, name, slug } = data;
      return { id, name, slug, isRetired: false, ...change };
    }
    if (!current) return null;
    return type === 'CategoryRenamed'
      ? { ...current, name: data.name, slug: data.slug, ...change }
      : { ...current, isRetired: true, ...change };
  },
  publicOf: (known) => known,
});
