import { replicaName } from '@annals/cli/local/layout';
import {
  getArticle,
  likeArticle,
  listArticles,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeArticle } from '../e2e/articles.ts';
import { type Answer, after } from '../e2e/client.ts';
import { newPerson, type Person } from '../e2e/people.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { repair } from './repairs.ts';
import { crashesByPoint, report } from './report.ts';

const NUMBER = 8;
/** At most 100 a minute: beyond that a projection takes it for a bad release. */
const DOCUMENTS = counts(3, 40);
const VIEWS = ['article_list_v4', 'article_details_v3'];

const stack = sharedStack();
let author: Person;
let reader: Person;

beforeAll(async () => {
  author = await newPerson(stack.url, 'author');
  reader = await newPerson(stack.url, 'reader');
});
afterAll(() => stack.stop());

interface Poisoned {
  readonly id: string;
  /** The last answer before the event that cannot be folded, that event's, and those of later ones. */
  readonly before: Answer;
  readonly first: Answer;
  readonly later: readonly Answer[];
}

const rename = (id: string, title: string) =>
  author.api.ok(updateArticle, { params: { id }, body: { title } });
const see = (id: string, answer: Answer) =>
  reader.api.call(getArticle, { params: { idOrSlug: id }, ...after(answer) });
const list = (answer: Answer) => reader.api.ok(listArticles, after(answer));

/** An event that cannot be folded, and after it others of its own stream and of two other streams. */
async function poison(): Promise<Poisoned> {
  const { id, last: before } = await writeArticle(author, { publish: true });
  const match = new RegExp(`^(${VIEWS.join('|')}) ArticleUpdated \\S+ ${id}$`);
  stack.faults.arm({ service: 'projector', point: 'folding', match, action: 'throw', isLasting: true });
  const first = await rename(id, `Second title of ${id}`);
  const later = [
    await reader.api.ok(addComment, { params: { id }, body: { content: 'A word' } }),
    await rename(id, `Third title of ${id}`),
    await reader.api.ok(likeArticle, { params: { id } }),
  ];
  return { id, before, first, later };
}

async function expectParked({ id, before, first, later }: Poisoned): Promise<void> {
  expect((await see(id, before)).status, 'as of before').toBe(200);
  for (const answer of [first, ...later]) {
    expect((await see(id, answer)).body, 'as of the poisoned event and later').toMatchObject({
      status: 503,
      code: 'projection-parked',
    });
  }
}

it('a poisoned event parks its document alone and replays in order after retry', async () => {
  const { id: healthy } = await writeArticle(author, { publish: true });
  const poisoned = await Promise.all(Array.from({ length: DOCUMENTS }, poison));

  // No other document waits: not one that was there, not a new one.
  const renamed = await rename(healthy, `Healthy ${healthy}`);
  const fresh = await writeArticle(author, { publish: true });
  expect((await see(healthy, renamed)).body.title).toBe(`Healthy ${healthy}`);
  expect((await see(fresh.id, fresh.last)).body.title).toBe(fresh.title);
  for (const one of poisoned) await expectParked(one);
  expect(Number((await list(fresh.last)).headers.get('annals-parked'))).toBe(DOCUMENTS);

  // A retry that fails again changes nothing.
  const retries = poisoned.flatMap(({ id: key }) =>
    VIEWS.map((consumer) => ({ consumer, action: 'retry' as const, key })),
  );
  const failed = await repair(stack, retries);
  expect(new Set(failed)).toEqual(new Set(['failed again: InjectedFault']));
  for (const one of poisoned) await expectParked(one);

  // One that a crash interrupts is done by the next process.
  stack.faults.disarmAll();
  const pids = stack.pids();
  const crash = stack.faults.arm({
    service: 'projector',
    point: 'written',
    match: 'article_details_v3',
    action: 'kill',
  });
  const retried = repair(stack, retries);
  const { replica } = await crash.fired();
  const name = replicaName('projector', replica);
  await stack.restarted(name, pids[name] ?? 0);
  expect(new Set(await retried)).toEqual(new Set(['retried']));

  for (const { id, later } of poisoned) {
    const { body } = await see(id, later[2] as Answer);
    expect(body).toMatchObject({ title: `Third title of ${id}`, likeCount: 1, commentCount: 1 });
  }
  expect((await list(fresh.last)).headers.get('annals-parked')).toBeNull();
  const rows = await expectViewsAsRebuilt(stack);
  const crashes = stack.faults.fired().filter(({ point }) => point === 'written');
  report(NUMBER, {
    'documents parked': DOCUMENTS * VIEWS.length,
    ...crashesByPoint(crashes),
    'rows compared': rows,
  });
});
