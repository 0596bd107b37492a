/** Mails as nodemailer wants them: the same for every way out. */
import type { SendMailOptions } from 'nodemailer';
import type { Mail } from './mailer.ts';

/** `from`: an address, or `Name <address>`. The date is left to the moment of sending. */
export function toMessage(mail: Mail, from: string): SendMailOptions {
  return {
    from,
    to: { name: '', address: mail.to },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    messageId: messageId(mail, from),
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** `<id@host>`, the host being the sender's. */
export function messageId({ id }: Pick<Mail, 'id'>, from: string): string {
  const host = /@([^\s<>@]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return `<${id}@${host}>`;
}
