/** Who is disabled loses their sessions for good, not only until they are enabled again [I3, I6]. */
import type { UserEvent } from '@annals/contracts/identity/user.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Reaction } from '../reactions/reaction.ts';

type Disabled = DomainEvent & Extract<UserEvent, { type: 'UserDisabled' }>;

/** Their tokens are refused from the event on; this ends the sessions in command-api's table. */
export const endSessionsOfDisabled: Reaction = {
  kind: 'worker-reaction',
  name: 'end_sessions_of_disabled',
  version: 1,
  handles: new Set(['UserDisabled'] satisfies Disabled['type'][]),
  async react(events, commands) {
    for (const { id, data, metadata } of events as readonly Disabled[]) {
      const body = { userId: data.userId, disabledAt: metadata.occurredAt };
      await commands.post('/internal/sessions/end-disabled', body, `end-disabled:${id}`);
    }
    return [];
  },
};
