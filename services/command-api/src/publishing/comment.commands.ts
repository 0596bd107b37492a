/** Commands on comments [P10]. */
import { Problem } from '@annals/contracts/problems';
import * as routes from '@annals/contracts/publishing/comment.routes';
import { defineCommand } from '../commands/command.ts';
import { streamOf } from '../commands/decider.ts';
import { articles, comments } from './deciders.ts';
import * as domain from './domain/comment.ts';
import { requirePublished } from './visibility.ts';

export const addComment = defineCommand(routes.addComment, comments, {
  location: (id) => `/v1/comments/${id}`,
  related: ({ params, body }) => ({
    article: streamOf(articles, params.id),
    parent: body.parentId ? streamOf(comments, body.parentId) : null,
  }),
  authorise: ({ related }) => requirePublished(related.article),
  decide({ id, state, params, body, caller, related }) {
    if (caller.kind !== 'user') throw new Problem('forbidden', 'Only users comment.');
    const comment = { commentId: id, articleId: params.id, authorId: caller.userId, content: body.content };
    return domain.add(state, comment, related.parent);
  },
});

/** Whatever has become of its article. */
export const hideComment = defineCommand(routes.hideComment, comments, {
  target: ({ params }) => params.id,
  decide: ({ state, body }) => domain.hide(state, body.reason),
});
