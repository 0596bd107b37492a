import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { newPerson } from './people.ts';

const url = inject('stackUrl');
const folder = inject('stackFolder');

/** Every mail so far, as text. */
async function mails(): Promise<string[]> {
  const files = (await readdir(join(folder, 'mails'))).filter((file) => file.endsWith('.eml'));
  return Promise.all(files.map((file) => readFile(join(folder, 'mails', file), 'utf8')));
}

describe('mail', () => {
  test('I1 a welcome mail follows a registration, once', async () => {
    const person = await newPerson(url, 'welcome');
    const mine = async () => (await mails()).filter((mail) => mail.includes(person.email));
    await expect.poll(async () => (await mine()).length, { timeout: 20_000 }).toBe(1);
    const [mail = ''] = await mine();
    expect(mail).toMatch(/^Message-ID: <.+@.+>\r?$/im);
    expect(mail).toMatch(/^Content-Type: multipart\/alternative/im);
  });
});
