/** What operators do about users: the first admin, who can then look after the others. */

import { email, username } from '@annals/contracts/identity/fields';
import { streamId } from '@annals/contracts/kit/event';
import { changed, created, defineRoute } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { type AdminRoute, adminRoute } from '@annals/platform/http/ops-server';
import { z } from 'zod';
import { newTicket } from '../commands/bind.ts';
import { defineCommand } from '../commands/command.ts';
import type { CommandRequest } from '../commands/execution.ts';
import type { WriteSide } from '../write-side.ts';
import { users } from './deciders.ts';
import * as domain from './domain/user.ts';
import type { Identity } from './identity.ts';
import { hashPassword, stagePassword, toRegistration } from './registration.ts';

const body = z.strictObject({ username, email, password: z.string().max(256) });

/** Not part of the route table: operators call it on their own port. */
const createAdminRoute = defineRoute({
  name: 'createAdmin',
  method: 'POST',
  path: '/admin/users',
  service: 'command-api',
  tag: 'identity',
  summary: 'Register an admin',
  access: 'staff',
  body,
  success: created,
});

const createAdmin = defineCommand(createAdminRoute, users, {
  prepare: hashPassword,
  stage: stagePassword,
  decide({ id, state, body: registration, prepared }) {
    const registered = domain.register(state, toRegistration(id, registration, prepared));
    const next = registered.reduce(domain.evolve, state);
    return [...registered, ...domain.grantPermission(next, 'staff')];
  },
});

/** Not part of the route table either. */
const eraseRoute = defineRoute({
  name: 'eraseUserAsOperator',
  method: 'DELETE',
  path: '/admin/users/{id}',
  service: 'command-api',
  tag: 'identity',
  summary: 'Erase a user',
  access: 'staff',
  params: z.strictObject({ id: z.uuid() }),
  success: changed,
});

const erase = defineCommand(eraseRoute, users, {
  target: ({ params }) => params.id,
  decide: ({ state }) => domain.erase(state, null),
});

/** The operator's command, as a request. */
function requestOf(params: unknown, body: unknown, correlationId: string): CommandRequest {
  const caller = { kind: 'service', name: 'operator', address: '' } as const;
  return { params, body, caller, ifMatch: null, correlationId, traceparent: undefined };
}

/**
 * `POST /admin/users`: registers like anyone else, and grants `staff` in the same breath. `DELETE
 * /admin/users/{idOrUsername}`: erases a user for good, and carries that out at once; again, after a backup was restored.
 */
export function adminUserRoutes({
  runner,
  reservations,
  erasure,
}: Pick<WriteSide, 'runner' | 'reservations'> & Pick<Identity, 'erasure'>): AdminRoute[] {
  const params = z.strictObject({ idOrUsername: z.string().min(1).max(64) });
  return [
    adminRoute({ method: 'POST', path: '/admin/users', body }, async ({ body: registration }) => {
      const ticket = newTicket();
      const { id, revision, position } = await runner.run(
        createAdmin,
        requestOf({}, registration, ticket.commandId),
        ticket,
      );
      return { status: 201, headers: { 'annals-position': position }, body: { id, revision } };
    }),
    adminRoute(
      { method: 'DELETE', path: '/admin/users/{idOrUsername}', params },
      async ({ params: { idOrUsername } }) => {
        const ticket = newTicket();
        const userId = z.uuid().safeParse(idOrUsername).data ?? (await holderOf(idOrUsername, reservations));
        const { id, revision, position } = await runner.run(
          erase,
          requestOf({ id: userId }, undefined, ticket.commandId),
          ticket,
        );
        await erasure.carryOut(id);
        return { status: 200, headers: { 'annals-position': position }, body: { id, revision } };
      },
    ),
  ];
}

async function holderOf(username: string, reservations: WriteSide['reservations']): Promise<string> {
  const claimant = await reservations.claimantOf(reservations.streamOf(domain.key('username', username)));
  if (!claimant) throw new Problem('not-found', 'There is no such user.');
  return streamId(claimant.by);
}
