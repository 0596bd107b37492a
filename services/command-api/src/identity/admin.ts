/** What operators do about users: the first admin, who can then look after the others. */

import { email, username } from '@annals/contracts/identity/user.routes';
import { created, defineRoute } from '@annals/contracts/kit/route';
import { type AdminRoute, adminRoute } from '@annals/platform/http/ops-server';
import { z } from 'zod';
import { newTicket } from '../commands/bind.ts';
import { defineCommand } from '../commands/command.ts';
import type { CommandRunner } from '../commands/runner.ts';
import { users } from './deciders.ts';
import * as domain from './domain/user.ts';
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

/** `POST /admin/users`: registers like anyone else, and grants `staff` in the same breath. */
export function adminUserRoutes(runner: CommandRunner): AdminRoute[] {
  return [
    adminRoute({ method: 'POST', path: '/admin/users', body }, async ({ body: registration }) => {
      const ticket = newTicket();
      const { id, revision, position } = await runner.run(
        createAdmin,
        {
          params: {},
          body: registration,
          caller: { kind: 'service', name: 'operator', address: '' },
          ifMatch: null,
          correlationId: ticket.commandId,
          traceparent: undefined,
        },
        ticket,
      );
      return { status: 201, headers: { 'annals-position': position }, body: { id, revision } };
    }),
  ];
}
