/** Mails over SMTP. */
import { createTransport } from 'nodemailer';
import { type Mailer, MailRefused } from './mailer.ts';
import { toMessage } from './message.ts';

/** Together well below what a job may take. */
const CONNECTION_MS = 10_000;
const SILENCE_MS = 20_000;
const CONNECTIONS = 4;

/** `url`: `smtp://user:password@host:port` or `smtps://…`; connections are kept and shared. */
export function createSmtpMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: CONNECTION_MS,
    greetingTimeout: CONNECTION_MS,
    dnsTimeout: CONNECTION_MS,
    socketTimeout: SILENCE_MS,
  });
  return {
    async send(mail) {
      try {
        await transport.sendMail(toMessage(mail, from));
      } catch (error) {
        throw new MailRefused(error);
      }
    },
    close: async () => transport.close(),
  };
}
