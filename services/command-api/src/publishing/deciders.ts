/** The aggregates of publishing, bound to their events. */
import { article } from '@annals/contracts/publishing/article.events';
import { category } from '@annals/contracts/publishing/category.events';
import { comment } from '@annals/contracts/publishing/comment.events';
import { like } from '@annals/contracts/publishing/like.events';
import { defineDecider } from '../commands/decider.ts';
import * as articleDomain from './domain/article.ts';
import * as categoryDomain from './domain/category.ts';
import * as commentDomain from './domain/comment.ts';
import * as likeDomain from './domain/like.ts';

export const articles = defineDecider(article, {
  initial: articleDomain.initial,
  evolve: articleDomain.evolve,
  keys: articleDomain.keys,
  taken: {
    title: {
      code: 'title-taken',
      pointer: '/title',
      message: 'The author already has an article of this title.',
    },
    slug: { code: 'slug-taken', pointer: '/title', message: 'No free slug could be found for this title.' },
    'external-id': {
      code: 'external-id-taken',
      pointer: '/externalId',
      message: 'The author already has an article with this external id.',
    },
  },
});

export const categories = defineDecider(category, {
  initial: categoryDomain.initial,
  evolve: categoryDomain.evolve,
  keys: categoryDomain.keys,
  taken: {
    'category-name': {
      code: 'category-name-taken',
      pointer: '/name',
      message: 'There is a category of this name.',
    },
    'category-slug': {
      code: 'category-slug-taken',
      pointer: '/slug',
      message: 'There is a category of this slug.',
    },
  },
});

export const comments = defineDecider(comment, {
  initial: commentDomain.initial,
  evolve: commentDomain.evolve,
});

export const likes = defineDecider(like, { initial: likeDomain.initial, evolve: likeDomain.evolve });
