/** What the views say and what the model says that they should, in one form. */
import { STAFF, type World } from './model.ts';
import { type ModelRun, viewers } from './run-model.ts';
import { send } from './send.ts';

type Viewer = (typeof viewers)[number];
/** By a name of what was looked at. */
export type Views = Record<string, unknown>;

interface Person {
  readonly id: string;
}

const nameOf = (viewer: Viewer) =>
  viewer === null ? 'anonymous' : viewer === STAFF ? 'staff' : `client ${viewer}`;

/** Reads every view, as of the newest position that the run was told. */
export async function readViews(url: string, run: ModelRun): Promise<Views> {
  const views: Views = {};
  const reading: Promise<void>[] = [];
  const read = (name: string, viewer: Viewer, path: string, of: (body: never) => unknown) => {
    reading.push(
      get(url, run, viewer, path).then(({ status, body }) => {
        views[name] = status === 200 ? of(body as never) : status;
      }),
    );
  };
  for (const id of run.articles) {
    for (const viewer of viewers)
      read(`${id} to ${nameOf(viewer)}`, viewer, `/v1/articles/${id}`, seenDetail);
    read(`history of ${id}`, STAFF, `/v1/articles/${id}/history?pageSize=100`, seenHistory);
    read(
      `likes of ${id}`,
      null,
      `/v1/articles/${id}/likes?pageSize=100`,
      seenList((person: Person) => person.id),
    );
    read(`comments of ${id}`, null, `/v1/articles/${id}/comments?pageSize=100`, seenList(seenComment));
  }
  for (const [at, { id }] of run.clients.slice(0, STAFF).entries()) {
    for (const viewer of viewers)
      read(
        `list of ${at} to ${nameOf(viewer)}`,
        viewer,
        `/v1/articles?author=${id}&pageSize=100`,
        seenList(seenItem),
      );
    read(`own list of ${at}`, at as Viewer, '/v1/me/articles?pageSize=100', seenList(seenItem));
    read(
      `articles of ${at}`,
      null,
      `/v1/users/${id}`,
      ({ articleCount }: { articleCount: number }) => articleCount,
    );
    read(`account of ${at}`, at as Viewer, '/v1/me', seenAccount);
  }
  for (const n of [0, 1]) read(`name ${n}`, null, `/v1/users/${run.usernameOf(n)}`, () => 'taken');
  await Promise.all(reading);
  return views;
}

async function get(url: string, run: ModelRun, viewer: Viewer, path: string) {
  const token = viewer === null ? undefined : run.clients[viewer]?.token;
  const { status, body } = await send(url, {
    method: 'GET',
    path,
    headers: {
      'annals-min-position': run.position,
      prefer: 'wait=10',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
  });
  if (status >= 500) throw new Error(`${path} answered ${status}: ${body}`);
  return { status, body: JSON.parse(body) as unknown };
}

interface Item {
  readonly id: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly isPublished: boolean;
  readonly revision: number;
  readonly likeCount: number;
  readonly commentCount: number;
  readonly updatedBy: string | null;
  readonly author: Person;
}

interface Detail extends Item {
  readonly content: string;
  readonly isOwner: boolean;
  readonly canEdit: boolean;
  readonly isLiked: boolean;
  readonly comments: readonly Person[];
}

const seenItem = ({
  id,
  title,
  tags,
  isPublished,
  revision,
  likeCount,
  commentCount,
  updatedBy,
  author,
}: Item) => ({
  ...{ id, title, tags, isPublished, revision, likeCount, commentCount, updatedBy, author: author.id },
});

const seenDetail = (detail: Detail) => ({
  ...seenItem(detail),
  ...{ content: detail.content, isOwner: detail.isOwner, canEdit: detail.canEdit, isLiked: detail.isLiked },
  comments: detail.comments.length,
});

const seenHistory = ({ results }: { results: { revision: number; type: string; by: Person | null }[] }) =>
  results.map(({ revision, type, by }) => [revision, type, by?.id]);

const seenComment = ({ id, author, parentId }: { id: string; author: Person; parentId: string | null }) => ({
  ...{ id, by: author.id, parentId },
});

const seenAccount = (account: { firstName: string; revision: number; permissions: string[] }) => ({
  firstName: account.firstName,
  revision: account.revision,
  permissions: account.permissions,
});

/** A list's items in no particular order, and its count. */
function seenList<Item>(seen: (item: Item) => unknown) {
  return ({ results, count }: { results: Item[]; count: number }) => ({
    count,
    items: unordered(results.map(seen)),
  });
}

const unordered = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).sort();

/** What {@link readViews} must give in `world`. */
export function viewsOf(world: World, run: ModelRun): Views {
  const idOf = (client: number) => run.clients[client]?.id;
  const views: Views = {};
  const items = new Map(run.articles.map((id) => [id, itemOf(world, id, idOf)]));
  const visible = (id: string, viewer: Viewer) => {
    const article = world.articles[id];
    if (!article || article.status === 'deleted') return false;
    return article.status === 'published' || viewer === STAFF || viewer === article.author;
  };
  for (const id of run.articles) {
    const article = world.articles[id];
    if (!article) throw new Error(`the model has no article ${id}`);
    const comments = Object.entries(world.comments).filter(([, comment]) => comment.article === id);
    for (const viewer of viewers)
      views[`${id} to ${nameOf(viewer)}`] = visible(id, viewer)
        ? {
            ...items.get(id),
            content: article.content,
            isOwner: viewer === article.author,
            canEdit: viewer === article.author || viewer === STAFF,
            isLiked: world.likes.includes(`${id} ${viewer}`),
            comments: Math.min(10, comments.length),
          }
        : 404;
    views[`history of ${id}`] = visible(id, STAFF)
      ? article.history.map(({ type, by }, revision) => [revision, type, idOf(by)]).reverse()
      : 404;
    const likers = world.likes.flatMap((key) =>
      key.startsWith(id) ? [idOf(Number(key.split(' ')[1]))] : [],
    );
    views[`likes of ${id}`] = visible(id, null) ? { count: likers.length, items: unordered(likers) } : 404;
    const said = comments.map(([comment, { by, parentId }]) => ({ id: comment, by: idOf(by), parentId }));
    views[`comments of ${id}`] = visible(id, null) ? { count: said.length, items: unordered(said) } : 404;
  }
  for (const at of [0, 1] as const) {
    const own = run.articles.filter((id) => world.articles[id]?.author === at);
    const listTo = (viewer: Viewer) => {
      const listed = own.filter((id) => visible(id, viewer)).map((id) => items.get(id));
      return { count: listed.length, items: unordered(listed) };
    };
    for (const viewer of viewers) views[`list of ${at} to ${nameOf(viewer)}`] = listTo(viewer);
    views[`own list of ${at}`] = listTo(at);
    views[`articles of ${at}`] = listTo(null).count;
    const { firstName = '', revision = 0, canPublish = 'no' } = world.profiles[at] ?? {};
    const permissions = canPublish === 'yes' ? ['can_publish'] : [];
    views[`account of ${at}`] = { firstName, revision, permissions };
  }
  for (const n of [0, 1]) views[`name ${n}`] = world.taken.includes(`username ${n}`) ? 'taken' : 404;
  return views;
}

function itemOf(world: World, id: string, idOf: (client: number) => string | undefined) {
  const article = world.articles[id];
  const last = article && article.history.length > 1 ? article.history.at(-1) : undefined;
  return {
    id,
    title: article?.title,
    tags: article?.tags,
    isPublished: article?.status === 'published',
    revision: (article?.history.length ?? 0) - 1,
    likeCount: world.likes.filter((key) => key.startsWith(id)).length,
    commentCount: Object.values(world.comments).filter((comment) => comment.article === id).length,
    updatedBy: last ? idOf(last.by) : null,
    author: idOf(article?.author ?? 0),
  };
}
