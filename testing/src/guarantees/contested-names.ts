/** Acts that take or give up a unique name, each with rivals for that name, and who has it by other means. */
import { createSession } from '@annals/contracts/identity/session.routes';
import { registerUser } from '@annals/contracts/identity/user.routes';
import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import {
  createArticle,
  deleteArticle,
  restoreArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { writeArticle } from '../e2e/articles.ts';
import { Api, uniqueName } from '../e2e/client.ts';
import { newPerson, PASSWORD } from '../e2e/people.ts';
import type { Point } from '../faults/plan.ts';
import { RESERVATION_LEASE_MS } from '../shared-stack.ts';
import type { TestStack } from '../stack.ts';
import type { Command } from './decided.ts';
import { readLog } from './log-reader.ts';

type Act = 'register' | 'create' | 'rename' | 'delete' | 'restore';

/** Where a process dies, or stands still for longer than its lease: in an act's command, or in the release that follows. */
export interface Step {
  readonly act: Act;
  readonly service: 'command-api' | 'worker';
  readonly point: Point;
  readonly action: 'kill' | { readonly delayMs: number };
}

const claims = ['register', 'create', 'rename', 'restore'] as const;
const gives = ['delete', 'rename'] as const;
const killed = { service: 'command-api', action: 'kill' } as const;
const paused = {
  service: 'command-api',
  point: 'reserved',
  action: { delayMs: 4 * RESERVATION_LEASE_MS },
} as const;

/** Every step of every act. */
export const steps: readonly Step[] = [
  ...claims.flatMap((act) =>
    (['begun', 'reserved', 'appended'] as const).map((point) => ({ act, point, ...killed })),
  ),
  ...claims.map((act) => ({ act, ...paused })),
  ...(['begun', 'appended'] as const).map((point) => ({ act: 'delete', point, ...killed }) as const),
  ...gives.flatMap((act) =>
    (['read', 'performed', 'written'] as const).map(
      (point) => ({ act, point, service: 'worker', action: 'kill' }) as const,
    ),
  ),
];

/** A name that several want. */
export interface Contested {
  readonly command: Command;
  /** Another command that wants the name; a new one each time. */
  readonly rival: () => Command;
  /** What whoever does not get the name is told. */
  readonly refusal: string;
  /** How many have the name, found out without asking for it. */
  readonly holders: () => Promise<number>;
}

/** Prepares an act on a name of its own. */
export async function contested(stack: TestStack, act: Act): Promise<Contested> {
  return act === 'register' ? contestedUsername(stack) : contestedTitle(stack, act);
}

function contestedUsername(stack: TestStack): Contested {
  const username = uniqueName('wanted');
  const rival = (): Command => ({
    route: registerUser,
    options: { body: { username, email: `${uniqueName('e')}@example.org`, password: PASSWORD } },
  });
  const holders = async () => {
    const body = { login: username, password: PASSWORD };
    return (await new Api(stack.url).call(createSession, { body })).status === 201 ? 1 : 0;
  };
  return { command: rival(), rival, refusal: 'username-taken', holders };
}

async function contestedTitle(stack: TestStack, act: Exclude<Act, 'register'>): Promise<Contested> {
  const author = await newPerson(stack.url, 'author');
  const { token } = author.api;
  const { id, title } = await writeArticle(author);
  const wanted = act === 'delete' || act === 'restore' ? title : `Wanted: ${uniqueName('title')}`;
  const rival = (): Command => ({ route: createArticle, token, options: { body: { title: wanted } } });
  const params = { id };
  if (act === 'restore') await author.api.ok(deleteArticle, { params });
  const commands: Readonly<Record<typeof act, Command>> = {
    create: rival(),
    rename: { route: updateArticle, token, options: { params, body: { title: wanted } } },
    delete: { route: deleteArticle, token, options: { params } },
    restore: { route: restoreArticle, token, options: { params } },
  };
  const holders = async () => (await titles(stack, author.id)).filter((one) => one === wanted).length;
  return { command: commands[act], rival, refusal: 'title-taken', holders };
}

/** The titles of an author's articles that are not deleted, by the log. */
async function titles(stack: TestStack, authorId: string): Promise<string[]> {
  const articles = new Map<string, { title: string; isDeleted: boolean }>();
  for (const { type, data } of (await readLog(stack)) as unknown as readonly ArticleEvent[]) {
    if (type === 'ArticleCreated' && data.authorId === authorId)
      articles.set(data.articleId, { title: data.title, isDeleted: false });
    const article = articles.get((data as { articleId: string }).articleId);
    if (!article) continue;
    if (type === 'ArticleUpdated') article.title = data.title ?? article.title;
    if (type === 'ArticleDeleted' || type === 'ArticleRestored')
      article.isDeleted = type === 'ArticleDeleted';
  }
  return [...articles.values()].flatMap(({ title, isDeleted }) => (isDeleted ? [] : title));
}
