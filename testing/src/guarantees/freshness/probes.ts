/** A probe of every GET route that reads views: which aspects of the world its answer shows, and at which version. */
import { listFollowers, listFollowing } from '@annals/contracts/identity/follow.routes';
import { getMe, getUser, listUsers } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import {
  getArticle,
  getHistoryEntry,
  listArticles,
  listHistory,
  listLikers,
  listMyArticles,
} from '@annals/contracts/publishing/article.routes';
import { getCategory, listCategories, listTags } from '@annals/contracts/publishing/category.routes';
import { getComment, listComments } from '@annals/contracts/publishing/comment.routes';
import { listFeed, listTrending } from '@annals/contracts/publishing/reading.routes';
import type { Api, CallOptions } from '../../e2e/client.ts';
import type { Aspect } from './ledger.ts';
import type { World } from './world.ts';

// biome-ignore lint/suspicious/noExplicitAny: the client holds bodies against their schemas
type Body = any;

/** Reads the version of an aspect off an answer's body. */
export type Shown = Partial<Record<Aspect, (body: Body) => number>>;

export interface Question {
  readonly api: Api;
  readonly options: CallOptions;
  readonly shows: Shown;
  /** The thing asked for is the one that this step made: without having got there, a 404 is the honest answer. */
  readonly asksFor?: { readonly aspect: Aspect; readonly number: number };
}

export interface Probe {
  readonly route: Route;
  /** What to ask now; null while there is nothing to ask for. */
  readonly ask: (world: World) => Question | null;
}

const numberAtEnd = (text: string): number => Number(/(\d+)$/.exec(text)?.[1] ?? 0);
const nameOf = (person: { displayName: string | null }): number => numberAtEnd(person.displayName ?? '');
const nameOfCategory = (category: { name: string | null }): number => numberAtEnd(category.name ?? '');
const versionOfTitle = (title: string): number => Number(/ (\d+)$/.exec(title)?.[1] ?? 0);

const inList =
  (articleId: string, read: (article: Body) => number) =>
  (body: Body): number => {
    const found = body.results.find(({ id }: { id: string }) => id === articleId);
    return found ? read(found) : -1;
  };

const articleInList = ({ articleId }: World): Shown => ({
  title: inList(articleId, ({ title }) => versionOfTitle(title)),
  name: inList(articleId, ({ author }) => nameOf(author)),
  comments: inList(articleId, ({ commentCount }) => commentCount),
  likes: inList(articleId, ({ likeCount }) => likeCount),
  published: ({ count }) => count,
  category: inList(articleId, ({ category }) => nameOfCategory(category)),
});

/** The oldest of the author's articles is the world's. */
const oldestFirst = { sort: 'createdAt', pageSize: 5 };
const profile: Shown = {
  name: nameOf,
  published: ({ articleCount }) => articleCount,
  followers: ({ followerCount }) => followerCount,
};
/** Of the newest article; there may be none. */
const newest =
  (read: (article: Body) => number) =>
  ({ results: [found] }: Body): number =>
    found ? read(found) : -1;
/** What trends on a busy stack need not hold the article. */
const whereListed = (articleId: string, read: (article: Body) => number) => (body: Body) =>
  Math.max(inList(articleId, read)(body), body.results.length === TRENDING ? Number.POSITIVE_INFINITY : -1);

/** A page of what trends. */
const TRENDING = 100;

export const probes: readonly Probe[] = [
  {
    route: listArticles,
    ask: (world) => ({
      api: world.anonymous,
      options: { query: { author: world.author.username, ...oldestFirst } },
      shows: articleInList(world),
    }),
  },
  {
    route: listArticles,
    ask: (world) => ({
      api: world.anonymous,
      options: { query: { search: world.word, ...oldestFirst } },
      shows: articleInList(world),
    }),
  },
  {
    route: listMyArticles,
    ask: (world) => ({
      api: world.author.api,
      options: { query: oldestFirst },
      shows: articleInList(world),
    }),
  },
  {
    route: getArticle,
    ask: ({ author, articleId }) => ({
      api: author.api,
      options: { params: { idOrSlug: articleId } },
      shows: {
        title: ({ title }) => versionOfTitle(title),
        name: ({ author: person }) => nameOf(person),
        comments: ({ commentCount }) => commentCount,
        likes: ({ likeCount }) => likeCount,
        published: ({ author: person }) => person.articleCount,
        category: ({ category }) => nameOfCategory(category),
      },
    }),
  },
  {
    route: getArticle,
    ask: ({ author, articleId }) => ({
      api: author.api,
      options: { params: { idOrSlug: articleId }, query: { asOf: '2999-01-01T00:00:00.000Z' } },
      shows: { title: ({ title }) => versionOfTitle(title), likes: ({ likeCount }) => likeCount },
    }),
  },
  {
    route: listLikers,
    ask: ({ anonymous, articleId }) => ({
      api: anonymous,
      options: { params: { id: articleId }, query: { pageSize: 100 } },
      shows: { likes: ({ results }) => results.length },
    }),
  },
  {
    route: listHistory,
    ask: ({ author, articleId }) => ({
      api: author.api,
      options: { params: { id: articleId }, query: { pageSize: 1 } },
      shows: {
        title: ({ count }) => count - CREATED_AND_PUBLISHED,
        name: ({ results: [last] }) => nameOf(last.by),
      },
    }),
  },
  {
    route: getHistoryEntry,
    ask: ({ author, articleId, ledger, titleRevisions }) => {
      const number = ledger.newest('title');
      const revision = titleRevisions[number - 1];
      if (revision === undefined) return null;
      return {
        api: author.api,
        options: { params: { id: articleId, revision } },
        shows: { name: ({ by }) => nameOf(by) },
        asksFor: { aspect: 'title', number },
      };
    },
  },
  {
    route: listComments,
    ask: ({ anonymous, articleId }) => ({
      api: anonymous,
      options: { params: { id: articleId }, query: { pageSize: 100 } },
      shows: {
        comments: ({ results, count }) => (count > results.length ? count : results.length),
        name: ({ results: [last] }) => (last ? nameOf(last.author) : Number.POSITIVE_INFINITY),
      },
    }),
  },
  {
    route: getComment,
    ask: ({ anonymous, ledger, commentIds }) => {
      const number = ledger.newest('comments');
      const id = commentIds[number - 1];
      if (id === undefined) return null;
      return {
        api: anonymous,
        options: { params: { id } },
        shows: { name: ({ author }) => nameOf(author) },
        asksFor: { aspect: 'comments', number },
      };
    },
  },
  {
    route: listCategories,
    ask: ({ anonymous, word }) => ({
      api: anonymous,
      options: { query: { 'name[contains]': word } },
      shows: {
        category: ({ results: [found] }) => (found ? nameOfCategory(found) : -1),
        published: ({ results: [found] }) => found?.articleCount ?? -1,
      },
    }),
  },
  {
    route: getCategory,
    ask: ({ anonymous, categoryId }) => ({
      api: anonymous,
      options: { params: { idOrSlug: categoryId } },
      shows: { category: nameOfCategory, published: ({ articleCount }) => articleCount },
    }),
  },
  {
    route: listTags,
    ask: ({ anonymous, word }) => ({
      api: anonymous,
      options: { query: { name: word } },
      shows: { published: ({ results: [found] }) => found?.articleCount ?? -1 },
    }),
  },
  {
    route: listFeed,
    ask: ({ follower }) => ({
      api: follower.api,
      options: { query: { pageSize: 1 } },
      shows: {
        published: ({ count }) => count,
        name: newest(({ author }) => nameOf(author)),
        category: newest(({ category }) => nameOfCategory(category)),
      },
    }),
  },
  {
    route: listTrending,
    ask: ({ anonymous, articleId }) => ({
      api: anonymous,
      options: { query: { window: '1d', pageSize: TRENDING } },
      shows: {
        title: whereListed(articleId, ({ title }) => versionOfTitle(title)),
        likes: whereListed(articleId, ({ likeCount }) => likeCount),
        name: whereListed(articleId, ({ author }) => nameOf(author)),
      },
    }),
  },
  {
    route: listFollowers,
    ask: ({ anonymous, author }) => ({
      api: anonymous,
      options: { params: { id: author.id }, query: { pageSize: 100 } },
      shows: { followers: ({ results, count }) => Math.min(results.length, count) },
    }),
  },
  {
    route: listFollowing,
    ask: ({ anonymous, follower }) => ({
      api: anonymous,
      options: { params: { id: follower.id } },
      shows: { name: ({ results: [found] }) => (found ? nameOf(found) : -1) },
    }),
  },
  { route: getMe, ask: ({ author }) => ({ api: author.api, options: {}, shows: profile }) },
  {
    route: getUser,
    ask: ({ anonymous, author }) => ({
      api: anonymous,
      options: { params: { idOrUsername: author.username } },
      shows: profile,
    }),
  },
  {
    route: listUsers,
    ask: ({ anonymous, newcomers }) => ({
      api: anonymous,
      options: { query: { 'username[contains]': newcomers, pageSize: 1 } },
      shows: { registered: ({ count }) => count },
    }),
  },
  {
    route: listUsers,
    ask: ({ anonymous, author }) => ({
      api: anonymous,
      options: { query: { username: author.username } },
      shows: { name: ({ results: [found] }) => nameOf(found) },
    }),
  },
];

const CREATED_AND_PUBLISHED = 2;
