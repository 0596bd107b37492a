/** What the worker has done on time: publications that were scheduled [P4], drafts that nobody touched [P14]. */

import { timestamp } from '@annals/contracts/kit/primitives';
import { changed, defineRoute } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import {
  type BoundInternalRoute,
  bindInternal,
  type InternalRequest,
} from '@annals/platform/http/bound-routes';
import { z } from 'zod';
import { newTicket } from '../commands/bind.ts';
import { type AnyCommand, defineCommand } from '../commands/command.ts';
import type { CommandRunner } from '../commands/runner.ts';
import { articles } from './deciders.ts';
import * as domain from './domain/article.ts';
import * as publication from './domain/publication.ts';

const publishBody = z.strictObject({ articleId: z.uuid(), publishAt: timestamp });
const deleteBody = z.strictObject({ articleId: z.uuid(), revision: z.int().nonnegative() });

const target = ({ body }: { body: { articleId: string } }) => body.articleId;

const publishScheduled = defineCommand(
  internal('publishScheduled', '/internal/articles/publish-scheduled', publishBody),
  articles,
  { target, decide: ({ state, body }) => publication.publishScheduled(state, body.publishAt) },
);

const deleteUntouched = defineCommand(
  internal('deleteUntouched', '/internal/articles/delete-untouched', deleteBody),
  articles,
  { target, decide: ({ state }) => domain.removeUntouched(state) },
);

/** Both may be repeated, and do nothing where the article has gone another way meanwhile. */
export function internalArticleRoutes(runner: CommandRunner): BoundInternalRoute[] {
  return [
    bindInternal(
      { method: 'POST', path: '/internal/articles/publish-scheduled', body: publishBody },
      (request) => run(runner, publishScheduled, request),
    ),
    bindInternal(
      { method: 'POST', path: '/internal/articles/delete-untouched', body: deleteBody },
      (request) => run(runner, deleteUntouched, request, request.body.revision),
    ),
  ];
}

/** Not part of the route table: our own services alone call it. */
function internal<Body extends z.ZodType>(name: string, path: string, body: Body) {
  return defineRoute({
    name,
    method: 'POST',
    path,
    service: 'command-api',
    tag: 'publishing',
    summary: name,
    access: 'staff',
    body,
    success: changed,
  });
}

async function run(
  runner: CommandRunner,
  command: AnyCommand,
  { body, caller, traceparent }: InternalRequest<unknown, unknown, unknown>,
  ifMatch: number | null = null,
): Promise<{ status: number }> {
  const ticket = newTicket();
  const request = { params: {}, body, caller, ifMatch, correlationId: ticket.commandId, traceparent };
  try {
    await runner.run(command, request, ticket);
  } catch (error) {
    const isOver = error instanceof Problem && error.code === 'revision-mismatch';
    if (!isOver) throw error;
  }
  return { status: 204 };
}
