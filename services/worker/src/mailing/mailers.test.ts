import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, test } from 'vitest';
import { createFolderMailer } from './folder-mailer.ts';
import { type Mail, MailRefused } from './mailer.ts';
import { createSmtpMailer } from './smtp-mailer.ts';

const from = 'Annals <post@annals.test>';
const mail: Mail = {
  id: '5b0f2f5e-0000-5000-8000-000000000001',
  to: 'ada@example.org',
  subject: 'Grüße',
  text: 'Hello Ada\n',
  html: '<p>Hello Ada</p>\n',
};
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A real SMTP server that keeps what it accepts. */
async function smtpServer(options: SMTPServerOptions = {}) {
  const received: { to: string[]; content: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: async (stream, session, done) => {
      const chunks = await stream.toArray();
      received.push({
        to: session.envelope.rcptTo.map(({ address }) => address),
        content: Buffer.concat(chunks).toString(),
      });
      done();
    },
    ...options,
  });
  server.on('error', () => {});
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  closing.push(() => new Promise((resolve) => server.close(() => resolve(undefined))));
  return { received, url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}` };
}

function mailer(url: string) {
  const smtp = createSmtpMailer({ url, from });
  closing.push(() => smtp.close());
  return smtp;
}

describe('SMTP', () => {
  test('hands over a mail with text, HTML and a Message-ID of its own', async () => {
    const { url, received } = await smtpServer();
    await mailer(url).send(mail);
    expect(received.map(({ to }) => to)).toEqual([['ada@example.org']]);
    const content = received[0]?.content ?? '';
    expect(content).toContain('Message-ID: <5b0f2f5e-0000-5000-8000-000000000001@annals.test>');
    expect(content).toContain('From: Annals <post@annals.test>');
    expect(content).toContain('multipart/alternative');
    expect(content).toContain('Hello Ada');
    expect(content).toContain('<p>Hello Ada</p>');
  });

  test('a line break in an address starts no header and reaches no further recipient', async () => {
    const { url, received } = await smtpServer();
    await mailer(url)
      .send({ ...mail, to: 'ada@example.org\r\nBcc: eve@example.org' })
      .catch(() => {});
    expect(received.flatMap(({ to }) => to)).not.toContain('eve@example.org');
    for (const { content } of received) expect(content).not.toMatch(/^Bcc:/im);
  });

  test.each([
    [
      'a recipient that is refused',
      {
        onRcptTo: (_, __, done) =>
          done(Object.assign(new Error('no ada@example.org here'), { responseCode: 550 })),
      },
    ],
    [
      'a server that is busy',
      { onMailFrom: (_, __, done) => done(Object.assign(new Error('busy'), { responseCode: 451 })) },
    ],
  ] satisfies [string, SMTPServerOptions][])(
    '%s fails with a code, and without the address',
    async (_, options) => {
      const { url } = await smtpServer(options);
      const error: unknown = await mailer(url)
        .send(mail)
        .catch((refused: unknown) => refused);
      expect(error).toBeInstanceOf(MailRefused);
      expect(String(error)).toMatch(/(550|451) EENVELOPE/);
      expect(String(error)).not.toContain('ada');
    },
  );

  test('a server that is away fails', async () => {
    await expect(mailer('smtp://127.0.0.1:1').send(mail)).rejects.toThrow(MailRefused);
  });
});

describe('folder', () => {
  test('a mail is one file, named by its Message-ID, whole, and its owner’s alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-mails-'));
    closing.push(() => rm(folder, { recursive: true }));
    const inner = join(folder, 'a', 'b');
    const files = createFolderMailer({ folder: inner, from });
    await files.send(mail);
    await files.send({ ...mail, text: 'Hello again\n' });
    expect(await readdir(inner)).toEqual(['5b0f2f5e-0000-5000-8000-000000000001@annals.test.eml']);
    const file = join(inner, '5b0f2f5e-0000-5000-8000-000000000001@annals.test.eml');
    expect(await readFile(file, 'utf8')).toContain('Hello again');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});
