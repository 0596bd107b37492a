import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { updateMe } from '@annals/contracts/identity/user.routes';
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { uniqueName } from './client.ts';
import { newPerson } from './people.ts';

const url = inject('stackUrl');
const folder = inject('stackFolder');

/** Every mail so far, as text. */
async function mails(): Promise<string[]> {
  const files = (await readdir(join(folder, 'mails'))).filter((file) => file.endsWith('.eml'));
  return Promise.all(files.map((file) => readFile(join(folder, 'mails', file), 'utf8')));
}

describe('personal data', () => {
  test('I8 a personal field never appears in plaintext in the log, in idempotency records, jobs or the push log', async () => {
    const person = await newPerson(url, 'private');
    const bio = uniqueName('secret-bio');
    await person.api.ok(updateMe, { body: { bio }, headers: { 'idempotency-key': bio } });
    const database = new pg.Client({ connectionString: inject('databaseUrl') });
    await database.connect();
    try {
      const tables = await database.query<{ name: string }>(
        `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
         where table_type = 'BASE TABLE'
           and (table_schema in ('event_store', 'command_api', 'consumers', 'worker', 'graphile_worker', 'privacy')
             or table_name like 'push_log%')`,
      );
      expect(tables.rows.length).toBeGreaterThan(10);
      for (const { name } of tables.rows) {
        const { rows } = await database.query<{ text: string }>(`select t::text as text from ${name} t`);
        const all = rows.map(({ text }) => text).join('\n');
        for (const value of [person.username, person.email, bio])
          expect(all.includes(value), `${value} in ${name}`).toBe(false);
      }
    } finally {
      await database.end();
    }
  });

  test('I8 a personal field never appears in a log line', async () => {
    const person = await newPerson(url, 'unlogged');
    const files = await readdir(join(folder, 'logs'));
    const lines = await Promise.all(files.map((file) => readFile(join(folder, 'logs', file), 'utf8')));
    expect(lines.join('').length).toBeGreaterThan(0);
    for (const value of [person.username, person.email]) expect(lines.join('').includes(value)).toBe(false);
  });
});

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
