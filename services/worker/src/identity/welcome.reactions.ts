/** Who registers is welcomed by mail [I1]. */
import type { UserEvent } from '@annals/contracts/identity/user.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import { mailJob } from '../mailing/mail-job.ts';
import type { Reaction } from '../reactions/reaction.ts';

type Registered = DomainEvent & Extract<UserEvent, { type: 'UserRegistered' }>;

/** Imported people gave no address of theirs. */
export const welcomeMail: Reaction = {
  kind: 'worker-reaction',
  name: 'welcome_mail',
  version: 1,
  handles: new Set(['UserRegistered'] satisfies Registered['type'][]),
  react: async (events) =>
    (events as readonly Registered[])
      .filter(({ data }) => !data.imported)
      .map(({ id, data: { userId }, metadata }) =>
        mailJob({
          ...{ cause: id, recipient: userId, template: 'welcome' },
          // The address of the registration is proven under the user's own id.
          ...{ request: userId, expiresAt: weekAfter(metadata.occurredAt) },
        }),
      ),
};

const WEEK_MS = 7 * 24 * 3_600_000;

function weekAfter(time: string): string {
  return new Date(Date.parse(time) + WEEK_MS).toISOString();
}
