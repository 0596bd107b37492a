/** Mails about password and address [I5]. */
import { defineMail, type MailContent } from '../mailing/template.ts';

const NOT_ASKED = 'If you did not ask for this, you need not do anything.';

const action = (label: string, url: string | null): Pick<MailContent, 'action'> =>
  url === null ? {} : { action: { label, url } };

export const passwordReset = defineMail(
  'password-reset',
  ({ firstName, username, link }) => ({
    subject: 'Choose a new password',
    paragraphs: [
      `Hello ${firstName || username},`,
      'by the link below you can choose a new password. It works once, and for an hour.',
      NOT_ASKED,
    ],
    ...action('Choose a new password', link),
  }),
  { purpose: 'password-reset' },
);

export const passwordChanged = defineMail('password-changed', ({ firstName, username, publicUrl }) => ({
  subject: 'Your password was changed',
  paragraphs: [
    `Hello ${firstName || username},`,
    'your password was changed just now, and all other sessions have ended.',
    'If it was not you, ask for a new password at once, and look after your mailbox.',
  ],
  action: { label: 'Visit Annals', url: publicUrl },
}));

export const emailConfirmation = defineMail(
  'email-confirmation',
  ({ firstName, username, link }) => ({
    subject: 'Confirm your address',
    paragraphs: [
      `Hello ${firstName || username},`,
      'by the link below this address becomes the one of your account. It works for a day.',
      NOT_ASKED,
    ],
    ...action('Confirm this address', link),
  }),
  { purpose: 'email', to: 'requested' },
);

export const emailChanged = defineMail(
  'email-changed',
  ({ firstName, username, publicUrl }) => ({
    subject: 'Your address was changed',
    paragraphs: [
      `Hello ${firstName || username},`,
      'your account has another e-mail address from now on; this one is not used any more.',
      'If it was not you, somebody knows your password: write to those who run this site.',
    ],
    action: { label: 'Visit Annals', url: publicUrl },
  }),
  { to: 'replaced' },
);
