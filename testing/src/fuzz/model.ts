/** What the API promises, as a function: the world that clients have made, and what each operation may answer in it. */

/** Clients by number: two authors, and a member of staff. */
export const STAFF = 2;

export type Operation =
  | { readonly kind: 'create'; readonly client: number; readonly title: string; readonly content: string }
  | { readonly kind: 'update'; readonly client: number; readonly article: number; readonly changes: Changes }
  | {
      readonly kind: 'replace';
      readonly client: number;
      readonly article: number;
      readonly changes: Required<Changes>;
    }
  | { readonly kind: ArticleEdit; readonly client: number; readonly article: number }
  | { readonly kind: 'like' | 'unlike'; readonly client: number; readonly article: number }
  | {
      readonly kind: 'comment';
      readonly client: number;
      readonly article: number;
      readonly parent: number | null;
    }
  | { readonly kind: 'profile'; readonly client: number; readonly firstName: string }
  | { readonly kind: 'grant' | 'revoke'; readonly client: number; readonly to: number }
  | { readonly kind: 'register'; readonly username: number; readonly email: number }
  | { readonly kind: 'log-in'; readonly username: number };

type ArticleEdit = 'publish' | 'unpublish' | 'delete' | 'restore';

interface Changes {
  readonly title?: string | undefined;
  readonly content?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** An operation as it was sent: what its numbers stood for. */
export interface Call {
  readonly operation: Operation;
  /** The article's id; empty where it is about none. */
  readonly id: string;
  /** The comment that is replied to. */
  readonly parentId: string | null;
  readonly ifMatch: number | null;
  readonly answer: Answer;
}

/** What of an answer the model predicts. */
export interface Answer {
  readonly status: number;
  /** Of a problem. */
  readonly code?: string | undefined;
  readonly id?: string | undefined;
  readonly revision?: number | undefined;
}

export interface Article {
  readonly author: number;
  readonly title: string;
  readonly content: string;
  readonly tags: readonly string[];
  readonly status: 'draft' | 'published' | 'deleted';
  readonly wasPublished: boolean;
  /** One per revision. */
  readonly history: readonly { readonly type: string; readonly by: number }[];
}

/** Everything that clients can see, by id. */
export interface World {
  readonly articles: Readonly<Record<string, Article>>;
  /** `<article id> <client>`, sorted. */
  readonly likes: readonly string[];
  readonly comments: Readonly<
    Record<string, { readonly article: string; readonly by: number; readonly parentId: string | null }>
  >;
  readonly profiles: readonly Profile[];
  /** Names and addresses that are taken, by `username <n>` and `email <n>`. */
  readonly taken: readonly string[];
}

export interface Profile {
  readonly firstName: string;
  readonly revision: number;
  /** Whether it holds can_publish. `lapsing`: it was revoked, which takes effect within a second or so. */
  readonly canPublish: 'yes' | 'no' | 'lapsing';
}

/** The worlds in which `call` may have left `world` by answering what it did; none: it may not have. */
export function worldsAfter(world: World, call: Call): World[] {
  return outcomesOf(world, call).flatMap(({ answer, next = world }) =>
    agrees(answer, call.answer) ? [next] : [],
  );
}

interface Outcome {
  readonly answer: Answer;
  /** Left out: nothing changes. */
  readonly next?: World;
}

function agrees(expected: Answer, actual: Answer): boolean {
  const { id, revision } = expected;
  return (
    expected.status === actual.status &&
    expected.code === actual.code &&
    (id === undefined || id === actual.id) &&
    (revision === undefined || revision === actual.revision)
  );
}

const refused = (status: number, code: string): Outcome => ({ answer: { status, code } });
const missing = refused(404, 'not-found');

function outcomesOf(world: World, call: Call): Outcome[] {
  const { operation } = call;
  switch (operation.kind) {
    case 'create':
      return [create(world, operation, call)];
    case 'like':
    case 'unlike':
      return [like(world, operation.kind === 'like', operation.client, call)];
    case 'comment':
      return [comment(world, operation.client, call)];
    case 'profile':
      return [change(world, operation.client, call, { firstName: operation.firstName })];
    case 'grant':
    case 'revoke':
      return [permit(world, operation, call)];
    case 'register':
      return register(world, operation);
    case 'log-in':
      return [
        world.taken.includes(`username ${operation.username}`)
          ? { answer: { status: 201 } }
          : refused(401, 'invalid-credentials'),
      ];
    default:
      return edit(world, operation, call);
  }
}

const normalised = (title: string) => title.toLowerCase().replace(/\s+/g, ' ');
const hasContent = (html: string) => html.replace(/<[^>]*>/g, '').trim() !== '';

/** Whether another article of the author has the title. */
function isTitleTaken({ articles }: World, author: number, title: string, except = ''): boolean {
  return Object.entries(articles).some(
    ([id, article]) =>
      id !== except &&
      article.author === author &&
      article.status !== 'deleted' &&
      normalised(article.title) === normalised(title),
  );
}

function create(world: World, operation: Operation & { kind: 'create' }, { answer }: Call): Outcome {
  const { client: author, title, content } = operation;
  if (isTitleTaken(world, author, title)) return refused(409, 'title-taken');
  const article: Article = {
    ...{ author, title, content, tags: [], status: 'draft', wasPublished: false },
    history: [{ type: 'ArticleCreated', by: author }],
  };
  return {
    answer: { status: 201, revision: 0 },
    next: { ...world, articles: { ...world.articles, [answer.id ?? '']: article } },
  };
}

type Edit = Extract<Operation, { readonly kind: ArticleEdit | 'update' | 'replace' }>;

function edit(world: World, operation: Edit, call: Call): Outcome[] {
  const article = world.articles[call.id];
  if (!article) return [missing];
  const allowed = () => decide(world, article, operation, call);
  if (operation.client === article.author || operation.client === STAFF) return [allowed()];
  const denied = article.status === 'published' ? refused(403, 'forbidden') : missing;
  const canPublish = operation.kind === 'publish' ? world.profiles[operation.client]?.canPublish : 'no';
  if (canPublish === 'yes') return [allowed()];
  return canPublish === 'lapsing' ? [allowed(), denied] : [denied];
}

/** What the operation does for someone who may do it. */
function decide(world: World, article: Article, operation: Edit, { id, ifMatch }: Call): Outcome {
  const revision = article.history.length - 1;
  if (ifMatch !== null && ifMatch !== revision) return refused(412, 'revision-mismatch');
  const unchanged: Outcome = { answer: { status: 200, id, revision } };
  const becomes = (type: string, changes: Partial<Article>): Outcome => {
    const changed = { ...article, ...changes, history: [...article.history, { type, by: operation.client }] };
    return {
      answer: { status: 200, id, revision: revision + 1 },
      next: { ...world, articles: { ...world.articles, [id]: changed } },
    };
  };
  switch (operation.kind) {
    case 'update':
    case 'replace':
      return update(world, article, operation.changes, id, { unchanged, becomes });
    case 'publish':
      if (article.status === 'deleted') return missing;
      if (article.status === 'published') return unchanged;
      if (!hasContent(article.content)) return refused(409, 'not-publishable');
      return becomes('ArticlePublished', { status: 'published' });
    case 'unpublish':
      if (article.status === 'deleted') return missing;
      return article.status === 'draft' ? unchanged : becomes('ArticleUnpublished', { status: 'draft' });
    case 'delete':
      return article.status === 'deleted'
        ? unchanged
        : becomes('ArticleDeleted', { status: 'deleted', wasPublished: article.status === 'published' });
    case 'restore':
      if (article.status !== 'deleted') return unchanged;
      if (isTitleTaken(world, article.author, article.title, id)) return refused(409, 'title-taken');
      return becomes('ArticleRestored', { status: article.wasPublished ? 'published' : 'draft' });
    default:
      return operation satisfies never;
  }
}

function update(
  world: World,
  article: Article,
  { title = article.title, content = article.content, tags = article.tags }: Changes,
  id: string,
  {
    unchanged,
    becomes,
  }: { unchanged: Outcome; becomes: (type: string, changes: Partial<Article>) => Outcome },
): Outcome {
  if (article.status === 'deleted') return missing;
  const isSame =
    title === article.title && content === article.content && tags.join() === article.tags.join();
  if (isSame) return unchanged;
  if (article.status === 'published' && !hasContent(content)) return refused(409, 'not-publishable');
  if (isTitleTaken(world, article.author, title, id)) return refused(409, 'title-taken');
  return becomes('ArticleUpdated', { title, content, tags });
}

function like(world: World, isLiking: boolean, client: number, { id }: Call): Outcome {
  if (world.articles[id]?.status !== 'published') return missing;
  const key = `${id} ${client}`;
  const others = world.likes.filter((other) => other !== key);
  return {
    answer: { status: 200, id },
    next: { ...world, likes: isLiking ? [...others, key].sort() : others },
  };
}

function comment(world: World, by: number, { id, parentId, answer }: Call): Outcome {
  if (world.articles[id]?.status !== 'published') return missing;
  if (parentId !== null && world.comments[parentId]?.article !== id) return refused(422, 'validation-failed');
  const added = { article: id, by, parentId };
  return {
    answer: { status: 201, revision: 0 },
    next: { ...world, comments: { ...world.comments, [answer.id ?? '']: added } },
  };
}

/** Changes of a person that are none are no events. */
function change(world: World, client: number, { ifMatch }: Call, changes: Partial<Profile>): Outcome {
  const profile = world.profiles[client];
  if (!profile) return missing;
  if (ifMatch !== null && ifMatch !== profile.revision) return refused(412, 'revision-mismatch');
  const isSame = Object.entries(changes).every(([name, value]) => profile[name as keyof Profile] === value);
  const revision = profile.revision + (isSame ? 0 : 1);
  const profiles = world.profiles.with(client, { ...profile, ...changes, revision });
  return { answer: { status: 200, revision }, next: { ...world, profiles } };
}

function permit(world: World, operation: Operation & { kind: 'grant' | 'revoke' }, call: Call): Outcome {
  if (operation.client !== STAFF) return refused(403, 'forbidden');
  const isHeld = world.profiles[operation.to]?.canPublish === 'yes';
  const canPublish = operation.kind === 'grant' ? 'yes' : isHeld ? 'lapsing' : undefined;
  return change(world, operation.to, call, canPublish === undefined ? {} : { canPublish });
}

function register(world: World, { username, email }: Operation & { kind: 'register' }): Outcome[] {
  const taken = [`username ${username}`, `email ${email}`].filter((key) => world.taken.includes(key));
  if (taken.length > 0) return taken.map((key) => refused(409, `${key.split(' ', 1)[0]}-taken`));
  const next = { ...world, taken: [...world.taken, `username ${username}`, `email ${email}`].sort() };
  return [{ answer: { status: 201, revision: 0 }, next }];
}
