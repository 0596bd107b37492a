import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { updateArticle } from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeArticle } from '../e2e/articles.ts';
import { uniqueName } from '../e2e/client.ts';
import { newPerson, type Person } from '../e2e/people.ts';
import { sharedStack } from '../shared-stack.ts';
import { type Checkpoints, openCheckpoints } from './checkpoints.ts';
import { counts } from './counts.ts';
import { readLog } from './log-reader.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { report } from './report.ts';
import { stealLease, type Theft } from './stolen-lease.ts';

const NUMBER = 3;
const ROUNDS = counts(1, 4);

const stack = sharedStack();
const begin = (await readLog(stack)).at(-1)?.position ?? 'start';
let checkpoints: Checkpoints;
let author: Person;
let articleId: string;
const people: Person[] = [];

beforeAll(async () => {
  checkpoints = openCheckpoints(stack);
  author = await register();
  articleId = (await writeArticle(author, { publish: true })).id;
});
afterAll(async () => {
  await checkpoints?.close();
  await stack.stop();
});

async function register(): Promise<Person> {
  const person = await newPerson(stack.url, 'somebody');
  people.push(person);
  return person;
}

/** The mails that went to them. */
async function sent(): Promise<readonly string[]> {
  const folder = join(stack.dataFolder, 'mails');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.eml'));
  const mails = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return mails.filter((mail) => people.some(({ username }) => mail.includes(`${username}@`)));
}

/** The article's title of before becomes free, too. */
async function rename(): Promise<void> {
  const body = { title: uniqueName('Title') };
  await author.api.ok(updateArticle, { params: { id: articleId }, body });
}

const view = { service: 'projector', consumer: 'article_list_v4', provoke: rename } as const;
const details = { service: 'projector', consumer: 'article_details_v3', provoke: rename } as const;
const releases = { service: 'worker', consumer: 'release_keys_v1', provoke: rename } as const;
const mails = { service: 'worker', consumer: 'welcome_mail_v1', provoke: register } as const;

const thefts: readonly Theft[] = [
  { ...view, point: 'read', isLevel: false },
  { ...view, point: 'read', isLevel: true },
  { ...details, point: 'written', isLevel: false },
  { ...releases, point: 'performed', isLevel: false },
  { ...mails, point: 'performed', isLevel: true },
];

it('a stolen lease writes nothing', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    for (const theft of thefts) await stealLease(stack, checkpoints, theft);
  }
  const rows = await expectViewsAsRebuilt(stack);

  // What the former owners of the worker's leases did was done once.
  const released = (await readLog(stack, begin)).filter(({ type }) => type === 'KeyReleased');
  const attempts = released.map(({ stream, data }) => `${stream} ${(data as { attempt: string }).attempt}`);
  expect(attempts.length).toBeGreaterThan(ROUNDS);
  expect(new Set(attempts).size).toBe(attempts.length);
  await expect.poll(async () => (await sent()).length, { timeout: 60_000 }).toBe(people.length);
  const jobs = await checkpoints.pool.query(
    "select count(*)::integer as n from worker.mails where template = 'welcome' and recipient = any ($1)",
    [people.map(({ id }) => id)],
  );
  expect(jobs.rows).toEqual([{ n: people.length }]);
  report(NUMBER, { 'leases stolen': ROUNDS * thefts.length, 'rows compared': rows });
});
