/** One command of every kind, each on a subject of its own, with what has to become of it. */
import { registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import * as routes from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { writeArticle } from '../e2e/articles.ts';
import { type CallOptions, uniqueName } from '../e2e/client.ts';
import { newPerson, PASSWORD, type Person } from '../e2e/people.ts';
import type { TestStack } from '../stack.ts';
import type { Command } from './decided.ts';

export interface Case {
  readonly name: string;
  readonly command: Command;
  /** `done`, or the code of its refusal. */
  readonly outcome: string;
  /** What it appends to, and how many events that stream has afterwards; left out for what is new. */
  readonly stream?: string;
  readonly events?: number;
  /** Moves the subject on once the command is done: another command of the same people. */
  readonly meddle?: Command;
}

/** The cases that reserve unique names. */
export const claiming: ReadonlySet<string> = new Set(['create', 'register', 'rename', 'replace', 'restore']);

const text = (what: string) => `${what} ${uniqueName('of')}`;

/** What undoes a case. */
const opposites: Readonly<Record<string, Route>> = {
  publish: routes.unpublishArticle,
  unpublish: routes.publishArticle,
  delete: routes.restoreArticle,
  restore: routes.deleteArticle,
};

/** A case on an article that was brought into its state by `before`. */
async function onArticle(
  name: string,
  author: Person,
  before: readonly Route[],
  [route, given = {}, outcome = 'done']: readonly [Route, CallOptions?, string?],
): Promise<Case> {
  const { id } = await writeArticle(author);
  const params = { id };
  for (const step of before) await author.api.ok(step, { params });
  const options = { params };
  const opposite = opposites[name];
  const meddle = opposite
    ? { route: opposite, options }
    : { route: routes.updateArticle, options: { ...options, body: { title: text('Meddled') } } };
  const isAppended = outcome === 'done' && !name.startsWith('no-op');
  return {
    name,
    command: { route, options: { ...given, params }, token: author.api.token },
    outcome,
    stream: `article-${id}`,
    events: before.length + (isAppended ? 2 : 1),
    ...(isAppended ? { meddle: { ...meddle, token: author.api.token } } : {}),
  };
}

async function onOthers(author: Person, reader: Person): Promise<Case[]> {
  const { id } = await writeArticle(author, { publish: true });
  const { id: liked } = await writeArticle(author, { publish: true });
  await reader.api.ok(routes.likeArticle, { params: { id: liked } });
  const by = { token: reader.api.token };
  const body = { content: text('Comment') };
  const case_ = (name: string, route: Route, options: CallOptions, more: Partial<Case> = {}): Case => ({
    name,
    command: { route, options, token: by.token },
    outcome: 'done',
    ...more,
  });
  const onLike = (what: string, route: Route, opposite: Route, articleId: string, events: number) => {
    const options = { params: { id: articleId } };
    const meddle = { route: opposite, options, token: by.token };
    return case_(what, route, options, { stream: `like-${articleId}.${reader.id}`, events, meddle });
  };
  const { likeArticle, unlikeArticle } = routes;
  return [
    case_('comment', addComment, { params: { id }, body }),
    onLike('like', likeArticle, unlikeArticle, id, 1),
    onLike('unlike', unlikeArticle, likeArticle, liked, 2),
    case_('profile', updateMe, { body: { bio: text('Bio') } }, { stream: `user-${reader.id}`, events: 2 }),
  ];
}

/** A case of every kind, by two people who are new. */
export async function cases(stack: TestStack): Promise<Case[]> {
  const [author, reader] = [await newPerson(stack.url, 'author'), await newPerson(stack.url, 'reader')];
  const { publishArticle, unpublishArticle, deleteArticle, restoreArticle, updateArticle } = routes;
  const name = uniqueName('new');
  const { title: taken } = await writeArticle(author);
  const fresh = () => ({ body: { title: text('Title'), content: '<p>Other words.</p>', tags: ['two'] } });
  const of = (what: string, before: readonly Route[], ...then: readonly [Route, CallOptions?, string?]) =>
    onArticle(what, author, before, then);
  const create = { route: routes.createArticle, token: author.api.token };
  return [
    { name: 'create', command: { ...create, options: fresh() }, outcome: 'done' },
    {
      name: 'create refused',
      command: { ...create, options: { body: { title: taken } } },
      outcome: 'title-taken',
    },
    {
      name: 'register',
      command: {
        route: registerUser,
        options: { body: { username: name, email: `${name}@example.org`, password: PASSWORD } },
      },
      outcome: 'done',
    },
    ...(await onOthers(author, reader)),
    await of('edit', [], updateArticle, { body: { content: '<p>New words.</p>' } }),
    await of('rename', [], updateArticle, { body: { title: text('Name') } }),
    await of('replace', [], routes.replaceArticle, fresh()),
    await of('publish', [], publishArticle),
    await of('unpublish', [publishArticle], unpublishArticle),
    await of('delete', [], deleteArticle),
    await of('restore', [deleteArticle], restoreArticle),
    await of('no-op publish', [publishArticle], publishArticle),
    await of(
      'mismatch',
      [],
      updateArticle,
      { ...fresh(), headers: { 'if-match': '"7"' } },
      'revision-mismatch',
    ),
  ];
}
