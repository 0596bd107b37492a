import { registerUser } from '@annals/contracts/identity/user.routes';
import { createArticle, updateArticle } from '@annals/contracts/publishing/article.routes';
import { afterAll, expect, it } from 'vitest';
import { uniqueName } from '../e2e/client.ts';
import { newPerson, PASSWORD } from '../e2e/people.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { type Command, type Decision, decidedAtOnce, tally } from './decided.ts';
import { expectOneOwnerEach } from './owned-names.ts';
import { report } from './report.ts';

const NUMBER = 4;
const ROUNDS = counts(5, 60, 2);
const CLAIMANTS = counts(6, 10);
/** One round in so many is of people who choose a password, which takes long; the others are imported. */
const WITH_PASSWORD = 5;

const stack = sharedStack();
const urls = [stack.mainUrl('command-api', 1), stack.mainUrl('command-api', 2), stack.url];
let commands = 0;

afterAll(() => stack.stop());

async function atOnce(all: readonly Command[]): Promise<Decision[]> {
  commands += all.length;
  return decidedAtOnce(urls, all);
}

/** Registers, by turns with a password and without. */
function registration(round: number, username: string, email: string): Command {
  const isImport = round % WITH_PASSWORD !== 0;
  return {
    route: registerUser,
    token: isImport ? stack.serviceToken : undefined,
    options: { body: { username, email, ...(isImport ? {} : { password: PASSWORD }) } },
  };
}

const times = <One>(make: (at: number) => One): One[] =>
  Array.from({ length: CLAIMANTS }, (_, at) => make(at));
const emailOf = (name: string) => `${name}@example.org`;
/** The same to whoever compares names, if not to the eye. */
const disguised = (name: string, at: number) => (at % 2 === 0 ? name : name.toUpperCase());

const contests: Readonly<Record<string, (round: number) => Promise<void>>> = {
  async 'one username'(round) {
    const [name, others] = [uniqueName('u'), times(() => uniqueName('e'))];
    const all = await atOnce(
      others.map((other, at) => registration(round, disguised(name, at), emailOf(other))),
    );
    expect(tally(all)).toEqual({ done: 1, 'username-taken': CLAIMANTS - 1 });
    const free = others.filter((_, at) => all[at]?.outcome !== 'done');
    const again = await atOnce(free.map((other) => registration(round, other, emailOf(other))));
    expect(tally(again), 'e-mail addresses of those who failed').toEqual({ done: CLAIMANTS - 1 });
  },

  async 'one e-mail address'(round) {
    const [email, names] = [uniqueName('e'), times(() => uniqueName('u'))];
    const all = await atOnce(
      names.map((name, at) => registration(round, name, emailOf(disguised(email, at)))),
    );
    expect(tally(all)).toEqual({ done: 1, 'email-taken': CLAIMANTS - 1 });
    const free = names.filter((_, at) => all[at]?.outcome !== 'done');
    const again = await atOnce(free.map((name) => registration(round, name, emailOf(name))));
    expect(tally(again), 'usernames of those who failed').toEqual({ done: CLAIMANTS - 1 });
  },

  async both(round) {
    const name = uniqueName('u');
    const all = await atOnce(times(() => registration(round, name, emailOf(name))));
    expect(tally(all)).toEqual({ done: 1, 'username-taken': CLAIMANTS - 1 });
  },

  async 'a username beside a taken e-mail address'(round) {
    const [owner, name] = [uniqueName('e'), uniqueName('u')];
    await atOnce([registration(round, owner, emailOf(owner))]);
    const all = await atOnce(times(() => registration(round, name, emailOf(owner))));
    expect(tally(all)).toEqual({ 'email-taken': CLAIMANTS });
    expect(tally(await atOnce([registration(round, name, emailOf(name))]))).toEqual({ done: 1 });
  },

  async 'one title of one author'() {
    const { api } = await newPerson(stack.url);
    const create = (title: string) => ({
      route: createArticle,
      token: api.token,
      options: { body: { title } },
    });
    const title = `About ${uniqueName('t')}`;
    const all = await atOnce(times((at) => create(disguised(title, at))));
    expect(tally(all)).toEqual({ done: 1, 'title-taken': CLAIMANTS - 1 });
    const drafts = await atOnce(times((at) => create(`${title} ${at}`)));
    const renamed = await atOnce(
      drafts.map(({ body: { id } }) => ({
        route: updateArticle,
        token: api.token,
        options: { params: { id }, body: { title: `${title}, renamed` } },
      })),
    );
    expect(tally(renamed)).toEqual({ done: 1, 'title-taken': CLAIMANTS - 1 });
    const free = drafts.flatMap((_, at) => (renamed[at]?.outcome === 'done' ? [`${title} ${at}`] : []));
    expect(tally(await atOnce(free.map(create))), 'the title that the winner gave up').toEqual({ done: 1 });
  },

  async 'one title of many authors'(round) {
    const authors = await atOnce(
      times(() => uniqueName('a')).map((name) => registration(1, name, emailOf(name))),
    );
    const title = `Of many, number ${round} ${uniqueName('t')}`;
    const all = await atOnce(
      authors.map(({ body: { id: authorId } }) => ({
        route: createArticle,
        token: stack.serviceToken,
        options: { body: { title, authorId } },
      })),
    );
    expect(tally(all)).toEqual({ done: CLAIMANTS });
  },
};

it('N parallel registrations of one name: exactly one wins, and the name of a failed one is free again', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    for (const contest of Object.values(contests)) await contest(round);
  }
  const owners = await expectOneOwnerEach(stack);
  report(NUMBER, {
    contests: ROUNDS * Object.keys(contests).length,
    'at once': CLAIMANTS,
    commands,
    'names owned': owners.size,
  });
});
