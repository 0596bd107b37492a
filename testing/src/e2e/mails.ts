/** The mails of the stack, as its people see them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';

/** Mails to `address` so far, decoded. `folder`: the stack's data folder. */
export async function mailsTo(folder: string, address: string): Promise<string[]> {
  const all = await readdir(join(folder, 'mails'));
  const files = all.filter((file) => file.endsWith('.eml'));
  const mails = await Promise.all(files.map((file) => readFile(join(folder, 'mails', file), 'utf8')));
  return mails.filter((mail) => mail.includes(`To: ${address}`)).map(decoded);
}

/** The token of the newest link of this kind in mails to `address`; waits for it. */
export async function mailedToken(
  folder: string,
  address: string,
  purpose: 'email' | 'password-reset',
): Promise<string> {
  const tokens = async () =>
    (await mailsTo(folder, address)).flatMap(
      (mail) => new RegExp(`#${purpose}=([\\w-]{94})`).exec(mail)?.[1] ?? [],
    );
  await expect.poll(async () => (await tokens()).length, { timeout: 30_000 }).toBeGreaterThan(0);
  return (await tokens()).at(-1) ?? '';
}

/** Quoted-printable, as far as links need it. */
function decoded(mail: string): string {
  return mail
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
