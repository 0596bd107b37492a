/** Commands on likes [P9]. */
import { Problem } from '@annals/contracts/problems';
import * as routes from '@annals/contracts/publishing/article.routes';
import type { Caller } from '@annals/platform/http/types';
import { defineCommand } from '../commands/command.ts';
import { streamOf } from '../commands/decider.ts';
import { articles, likes } from './deciders.ts';
import * as domain from './domain/like.ts';
import { requirePublished } from './visibility.ts';

interface Input {
  readonly params: { readonly id: string };
  readonly caller: Caller;
}

const subject = ({ params, caller }: Input) => ({ articleId: params.id, userId: reader(caller) });
const target = (input: Input) => `${input.params.id}.${reader(input.caller)}`;
const related = ({ params }: Input) => ({ article: streamOf(articles, params.id) });
const relationOf = ({ params }: Input) => params.id;

export const likeArticle = defineCommand(routes.likeArticle, likes, {
  target,
  related,
  relationOf,
  authorise: (context) => requirePublished(context.related.article),
  decide: (context) => domain.like(context.state, subject(context)),
});

export const unlikeArticle = defineCommand(routes.unlikeArticle, likes, {
  target,
  related,
  relationOf,
  authorise: (context) => requirePublished(context.related.article),
  decide: (context) => domain.unlike(context.state, subject(context)),
});

/** Readers are people. */
function reader(caller: Caller): string {
  if (caller.kind === 'user') return caller.userId;
  throw new Problem('forbidden', 'Only users like articles.');
}
