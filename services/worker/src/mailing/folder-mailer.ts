/** Mails as files, for the local profile: `<Message-ID>.eml`, to be opened with any mail program. */
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Mailer } from './mailer.ts';
import { messageId, toMessage } from './message.ts';

/** `folder` (absolute) is made where it is missing. Readable by the service's user alone: mails are personal. */
export function createFolderMailer({ folder, from }: { folder: string; from: string }): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true });
  return {
    async send(mail) {
      const { message } = await transport.sendMail(toMessage(mail, from));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const name = messageId(mail, from).slice(1, -1);
      const temporary = join(folder, `.${name}.${process.pid}.tmp`);
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(message as Buffer);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(folder, `${name}.eml`));
    },
    close: async () => transport.close(),
  };
}
