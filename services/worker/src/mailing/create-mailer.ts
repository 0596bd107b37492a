import type { Config } from '../config.ts';
import { createFolderMailer } from './folder-mailer.ts';
import type { Mailer } from './mailer.ts';
import { createSmtpMailer } from './smtp-mailer.ts';

/** The way out that the configuration chooses. */
export function createMailer({ mailFolder, smtpUrl, mailFrom: from }: Config): Mailer {
  if (smtpUrl !== undefined) return createSmtpMailer({ url: smtpUrl, from });
  if (mailFolder !== undefined) return createFolderMailer({ folder: mailFolder, from });
  throw new Error('neither a mail folder nor an SMTP server is configured');
}
