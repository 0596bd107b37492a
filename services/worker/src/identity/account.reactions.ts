/** What follows when an account's password or address changes, or is to [I5], and when a user is erased [I8]. */
import type { DataExportEvent } from '@annals/contracts/identity/export.events';
import type { UserEvent } from '@annals/contracts/identity/user.events';
import type { VerificationEvent } from '@annals/contracts/identity/verification.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import { exportJob } from '../exports/export-job.ts';
import { mailJob } from '../mailing/mail-job.ts';
import type { Commands, Reaction } from '../reactions/reaction.ts';

type Requested = DomainEvent & VerificationEvent;
type Change = Extract<
  UserEvent,
  { type: 'PasswordChanged' | 'EmailConfirmed' | 'AvatarChanged' | 'UserErased' }
>;
type Changed<Type extends Change['type']> = DomainEvent & Extract<Change, { type: Type }>;

/** Tokens are made when a mail is sent: the job only says for which request. */
export const verificationMails: Reaction = {
  kind: 'worker-reaction',
  name: 'verification_mails',
  version: 1,
  handles: new Set(['PasswordResetRequested', 'EmailChangeRequested'] satisfies Requested['type'][]),
  react: async (events) =>
    (events as readonly Requested[]).map(({ id: cause, type, data }) => {
      const { userId: recipient, expiresAt } = data;
      return type === 'PasswordResetRequested'
        ? mailJob({
            ...{ cause, recipient, expiresAt, template: 'password-reset' },
            request: data.proof ?? data.passwordId,
          })
        : mailJob({ cause, recipient, expiresAt, template: 'email-confirmation', request: data.requestId });
    }),
};

/** Sessions of before end, and the owner is told. */
export const afterPasswordChange: Reaction = {
  kind: 'worker-reaction',
  name: 'after_password_change',
  version: 1,
  handles: new Set(['PasswordChanged'] satisfies Change['type'][]),
  async react(events, commands) {
    const changes = events as readonly Changed<'PasswordChanged'>[];
    await tellOfEach(changes, commands, '/internal/passwords/changed', 'password');
    return changes.map(({ id: cause, data: { userId: recipient } }) =>
      mailJob({ cause, recipient, template: 'password-changed' }),
    );
  },
};

/** The address of before is told, if there was another. */
export const afterEmailChange: Reaction = {
  kind: 'worker-reaction',
  name: 'after_email_change',
  version: 1,
  handles: new Set(['EmailConfirmed'] satisfies Change['type'][]),
  react: async (events) =>
    (events as readonly Changed<'EmailConfirmed'>[])
      .filter(({ data }) => data.requestId !== data.userId)
      .map(({ id: cause, data: { userId: recipient, requestId: request } }) =>
        mailJob({ cause, recipient, template: 'email-changed', request }),
      ),
};

/** Pictures that another has replaced are forgotten. */
export const afterAvatarChange: Reaction = {
  kind: 'worker-reaction',
  name: 'after_avatar_change',
  version: 1,
  handles: new Set(['AvatarChanged'] satisfies Change['type'][]),
  async react(events, commands) {
    await tellOfEach(
      events as readonly Changed<'AvatarChanged'>[],
      commands,
      '/internal/avatars/changed',
      'avatar',
    );
    return [];
  },
};

/** What a user asked for is put together by a job. */
export const exportsOfData: Reaction = {
  kind: 'worker-reaction',
  name: 'exports_of_data',
  version: 1,
  handles: new Set(['DataExportRequested'] satisfies DataExportEvent['type'][]),
  react: async (events) =>
    (events as readonly (DomainEvent & DataExportEvent)[]).map(({ data }) => exportJob(data)),
};

/** Everything that command-api keeps of an erased user goes, and last the key of the personal data. */
export const carryOutErasures: Reaction = {
  kind: 'worker-reaction',
  name: 'carry_out_erasures',
  version: 1,
  handles: new Set(['UserErased'] satisfies Change['type'][]),
  async react(events, commands) {
    await tellOfEach(events as readonly Changed<'UserErased'>[], commands, '/internal/erasures', 'erasure');
    return [];
  },
};

/** Tells command-api whom each event is about, one after the other and each once. */
async function tellOfEach(
  events: readonly Changed<Change['type']>[],
  commands: Commands,
  path: string,
  key: string,
): Promise<void> {
  for (const { id, data } of events) await commands.post(path, { userId: data.userId }, `${key}:${id}`);
}
