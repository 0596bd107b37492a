/** Commands on articles [P1–P4, P15]. */
import { Problem } from '@annals/contracts/problems';
import * as routes from '@annals/contracts/publishing/article.routes';
import type { Caller } from '@annals/platform/http/types';
import { defineCommand } from '../commands/command.ts';
import { streamOf } from '../commands/decider.ts';
import { users } from '../identity/deciders.ts';
import { articles, categories } from './deciders.ts';
import * as domain from './domain/article.ts';
import type { CategoryState } from './domain/category.ts';
import * as publication from './domain/publication.ts';
import { sanitise } from './html.ts';
import { SLUG_CANDIDATES, slugOf } from './slug.ts';
import { requireOwner, requireSeen } from './visibility.ts';

const byId = ({ params }: { params: { id: string } }) => params.id;
const candidates = { slug: SLUG_CANDIDATES };

export const createArticle = defineCommand(routes.createArticle, articles, {
  location: (id) => `/v1/articles/${id}`,
  candidates,
  // Whoever is named as the author must be somebody.
  related: ({ body, caller }) => ({
    author: body.authorId && body.authorId !== userId(caller) ? streamOf(users, body.authorId) : null,
    ...categoryIn(body),
  }),
  prepare: ({ body }, { titleRules }) => ({ content: sanitise(body.content ?? ''), titleRules }),
  authorise({ body, caller, can, related }) {
    if (!body.authorId || body.authorId === userId(caller)) return;
    if (!can('can_import'))
      throw new Problem('forbidden', 'Writing for another author needs the permission can_import.');
    if (related.author?.status !== 'registered') throw unknownAuthor();
  },
  decide({ id, state, body, caller, related, prepared, candidate }) {
    const { title, tags = [], externalId = null } = body;
    const { content } = prepared;
    const category = chosen(body.categoryId, related) ?? null;
    const authorId = body.authorId ?? userId(caller);
    if (authorId === null) throw unknownAuthor();
    const slug = slugOf(title, id, candidate('slug'));
    const draft = { articleId: id, authorId, title, slug, content, tags, externalId, category };
    return domain.create(state, draft, prepared.titleRules);
  },
});

export const updateArticle = defineCommand(routes.updateArticle, articles, {
  target: byId,
  candidates,
  related: ({ body }) => categoryIn(body),
  prepare: ({ body }, { titleRules }) => ({
    content: body.content === undefined ? undefined : sanitise(body.content),
    titleRules,
  }),
  authorise: (context) => requireOwner(context.state, context),
  decide: ({ id, state, body, related, prepared, candidate }) =>
    domain.update(
      state,
      {
        title: body.title,
        tags: body.tags,
        content: prepared.content,
        slug: body.title === undefined ? undefined : slugOf(body.title, id, candidate('slug')),
        category: chosen(body.categoryId, related),
      },
      prepared.titleRules,
    ),
});

export const replaceArticle = defineCommand(routes.replaceArticle, articles, {
  target: byId,
  candidates,
  related: ({ body }) => categoryIn(body),
  prepare: ({ body }, { titleRules }) => ({ content: sanitise(body.content), titleRules }),
  authorise: (context) => requireOwner(context.state, context),
  decide({ id, state, body: { title, tags, categoryId = null }, related, prepared, candidate }) {
    const { content, titleRules } = prepared;
    const slug = slugOf(title, id, candidate('slug'));
    return domain.update(
      state,
      { title, tags, content, slug, category: chosen(categoryId, related) },
      titleRules,
    );
  },
});

export const deleteArticle = defineCommand(routes.deleteArticle, articles, {
  target: byId,
  authorise: (context) => requireOwner(context.state, context),
  decide: ({ state }) => domain.remove(state),
});

export const restoreArticle = defineCommand(routes.restoreArticle, articles, {
  target: byId,
  authorise: (context) => requireOwner(context.state, context),
  decide: ({ state }) => domain.restore(state),
});

export const publishArticle = defineCommand(routes.publishArticle, articles, {
  target: byId,
  authorise(context) {
    requireOwner(context.state, context, 'can_publish');
    if (context.body.publishedAt !== undefined && !context.can('can_import')) {
      throw new Problem('forbidden', 'A publication date of one’s own needs the permission can_import.');
    }
  },
  decide: ({ state, body: { publishedAt, publishAt }, now }) =>
    publishAt === undefined
      ? publication.publish(state, { now, publishedAt })
      : publication.schedule(state, { now, publishAt }),
});

export const unpublishArticle = defineCommand(routes.unpublishArticle, articles, {
  target: byId,
  authorise: (context) => requireOwner(context.state, context),
  decide: ({ state }) => publication.unpublish(state),
});

export const featureArticle = defineCommand(routes.featureArticle, articles, {
  target: byId,
  authorise: (context) => requireSeen(context.state, context),
  decide: ({ state }) => publication.feature(state),
});

export const unfeatureArticle = defineCommand(routes.unfeatureArticle, articles, {
  target: byId,
  authorise: (context) => requireSeen(context.state, context),
  decide: ({ state }) => publication.unfeature(state),
});

/** The stream of the category that a body names. */
function categoryIn({ categoryId }: { readonly categoryId?: string | null | undefined }) {
  return { category: categoryId ? streamOf(categories, categoryId) : null };
}

function chosen(
  id: string | null | undefined,
  { category }: { readonly category: CategoryState | null },
): domain.ChosenCategory | null | undefined {
  return id ? { id, state: category } : id === null ? null : undefined;
}

function userId(caller: Caller): string | null {
  return caller.kind === 'user' ? caller.userId : null;
}

function unknownAuthor(): Problem {
  return new Problem('validation-failed', 'The author is not known.', {
    mistakes: [{ pointer: '/authorId', code: 'unknown-user', message: 'is no user' }],
  });
}
