/** Commands by which people get what is kept about them, and have it erased [I8]. */
import { type DataExportEvent, dataExport } from '@annals/contracts/identity/export.events';
import * as routes from '@annals/contracts/identity/privacy.routes';
import { Problem } from '@annals/contracts/problems';
import { defineCommand } from '../commands/command.ts';
import { defineDecider, streamOf } from '../commands/decider.ts';
import { ownId } from './caller.ts';
import { users } from './deciders.ts';
import * as domain from './domain/user.ts';
import { wrongPassword } from './registration.ts';

interface ExportState {
  readonly isRequested: boolean;
}

const exports = defineDecider(dataExport, {
  initial: { isRequested: false } as ExportState,
  evolve: (_state: ExportState, _event: DataExportEvent): ExportState => ({ isRequested: true }),
});

/** Each costs a walk through all that the user wrote. */
const EXPORTS_A_DAY = 3;
const HOUR_SECONDS = 3_600;

export const requestExport = defineCommand(routes.requestExport, exports, {
  location: (id) => `/v1/me/exports/${id}`,
  related: ({ caller }) => ({ user: streamOf(users, ownId(caller)) }),
  decide({ id, state, related, caller }): DataExportEvent[] {
    domain.registered(related.user);
    if (state.isRequested) return [];
    return [{ type: 'DataExportRequested', data: { exportId: id, userId: ownId(caller) } }];
  },
  async stage({ id, caller }, { exports }) {
    if (await exports.stage(id, ownId(caller), EXPORTS_A_DAY)) return;
    throw new Problem('too-many-requests', 'There are enough exports for today.', {
      retryAfter: HOUR_SECONDS,
    });
  },
  audit: 'request-export',
});

export const eraseMe = defineCommand(routes.eraseMe, users, {
  target: ({ caller }) => ownId(caller),
  async prepare({ caller, body: { password } }, services) {
    const user = domain.registered(await services.userOf(ownId(caller)));
    if (!(await services.provePassword(user, password, caller.address))) throw wrongPassword('/password');
  },
  decide: ({ state }) => domain.erase(state, null),
  audit: 'erase-user',
});

export const eraseUser = defineCommand(routes.eraseUser, users, {
  target: ({ params }) => params.id,
  decide: ({ state, caller }) => domain.erase(state, caller.kind === 'user' ? caller.userId : null),
  audit: 'erase-user',
});
