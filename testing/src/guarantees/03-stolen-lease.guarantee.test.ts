import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { updateArticle } from '@annals/contracts/publishing/article.routes';
import { createPool } from '@annals/platform/postgres/pool';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeArticle } from '../e2e/articles.ts';
import { uniqueName } from '../e2e/client.ts';
import { newPerson, type Person } from '../e2e/people.ts';
import { startTestStack, type TestStack } from '../stack.ts';
import { unlimited } from '../tuning.ts';
import { counts } from './counts.ts';
import { readLog } from './log-reader.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { report } from './report.ts';
import { stealLease, type Theft } from './stolen-lease.ts';

const NUMBER = 3;
const ROUNDS = counts(1, 4);

let stack: TestStack;
let pool: pg.Pool;
let author: Person;
let articleId: string;
let people = 0;

beforeAll(async () => {
  stack = await startTestStack({ replicas: 2, faults: true, tuning: unlimited });
  pool = createPool({ url: stack.databaseUrl, application: 'guarantees', max: 2 });
  author = await register();
  articleId = (await writeArticle(author, { publish: true })).id;
});
afterAll(async () => {
  await pool?.end();
  await stack?.stop();
});

async function register(): Promise<Person> {
  people++;
  return newPerson(stack.url, 'somebody');
}

/** The article's title of before becomes free, too. */
async function rename(): Promise<void> {
  const body = { title: uniqueName('Title') };
  await author.api.ok(updateArticle, { params: { id: articleId }, body });
}

const view = { service: 'projector', consumer: 'article_list_v1', provoke: rename } as const;
const details = { service: 'projector', consumer: 'article_details_v2', provoke: rename } as const;
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
    for (const theft of thefts) await stealLease(stack, pool, theft);
  }
  const rows = await expectViewsAsRebuilt(stack);

  // What the former owners of the worker's leases did was done once.
  const released = (await readLog(stack.databaseUrl)).filter(({ type }) => type === 'KeyReleased');
  const attempts = released.map(({ stream, data }) => `${stream} ${(data as { attempt: string }).attempt}`);
  expect(attempts.length).toBeGreaterThan(ROUNDS);
  expect(new Set(attempts).size).toBe(attempts.length);
  const sent = async () =>
    (await readdir(join(stack.dataFolder, 'mails'))).filter((name) => name.endsWith('.eml'));
  await expect.poll(async () => (await sent()).length, { timeout: 60_000 }).toBe(people);
  const jobs = await pool.query("select count(*)::integer as n from worker.mails where template = 'welcome'");
  expect(jobs.rows).toEqual([{ n: people }]);
  report(NUMBER, { 'leases stolen': ROUNDS * thefts.length, 'rows compared': rows });
});
