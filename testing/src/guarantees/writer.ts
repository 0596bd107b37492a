/**
 * One author of a load: does one command after the other, gives none up, and remembers what was acknowledged, as
 * what the API has to show from then on.
 */
import { createSession } from '@annals/contracts/identity/session.routes';
import { registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import {
  createArticle,
  deleteArticle,
  likeArticle,
  publishArticle,
  restoreArticle,
  unlikeArticle,
  unpublishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { type Answer, type CallOptions, uniqueName } from '../e2e/client.ts';
import { PASSWORD, type Person } from '../e2e/people.ts';
import { insist, type Setbacks } from './retrying-api.ts';

/** A command that was answered with success. */
export interface Acknowledged {
  readonly command: string;
  /** The stream that it appended to. */
  readonly stream: string;
  /** Null where the answer tells none (likes). */
  readonly revision: number | null;
  readonly position: string;
}

/** An article as its author left it. */
export interface WrittenArticle {
  readonly id: string;
  title: string;
  content: string;
  isPublished: boolean;
  isDeleted: boolean;
  revision: number;
}

export interface WrittenComment {
  readonly id: string;
  readonly articleId: string;
  readonly content: string;
}

/** What all writers of a load share. */
export interface Shared {
  readonly baseUrl: string;
  readonly ledger: Acknowledged[];
  readonly setbacks: Setbacks;
  /** Published for good, so that everyone may like them and comment on them: who likes them. */
  readonly likes: Map<string, Set<string>>;
  readonly comments: WrittenComment[];
  /** People whom writers registered: id and username. */
  readonly registered: { readonly id: string; readonly username: string }[];
}

/** Articles of one author that come and go. */
const MAX_ARTICLES = 12;

export class Writer {
  readonly person: Person;
  readonly articles: WrittenArticle[] = [];
  bio: string | null = null;
  #token: string;
  readonly #shared: Shared;
  #count = 0;

  constructor(person: Person, shared: Shared) {
    this.person = person;
    this.#shared = shared;
    this.#token = person.api.token ?? '';
  }

  /** Publishes an article that stays. */
  async begin(): Promise<void> {
    const stable = await this.#create();
    await this.#publish(stable);
    this.#shared.likes.set(stable.id, new Set());
  }

  /** Does one command. */
  async act(): Promise<void> {
    const changing = this.articles.slice(1);
    const choice = Math.random();
    if (choice < 0.01) return this.#register();
    if (choice < 0.05) return this.#describe();
    if (choice < 0.3) return this.#comment();
    if (choice < 0.5) return this.#toggleLike();
    const article = pick(changing);
    if (!article || (choice < 0.6 && changing.length < MAX_ARTICLES)) return void (await this.#create());
    if (article.isDeleted) return this.#restore(article);
    if (choice < 0.7) return this.#delete(article);
    if (choice < 0.85) return this.#edit(article);
    return article.isPublished ? this.#unpublish(article) : this.#publish(article);
  }

  async #create(): Promise<WrittenArticle> {
    const body = { title: this.#text('Title'), content: `<p>${this.#text('Content')}</p>`, tags: ['load'] };
    const answer = await this.#do(createArticle, { body }, ({ body: { id } }) => `article-${id}`);
    const { id, revision } = answer.body;
    const { title, content } = body;
    const article = { id, title, content, isPublished: false, isDeleted: false, revision };
    this.articles.push(article);
    return article;
  }

  async #edit(article: WrittenArticle): Promise<void> {
    const body = { title: this.#text('Title'), content: `<p>${this.#text('Content')}</p>` };
    await this.#change(article, updateArticle, { body });
    Object.assign(article, body);
  }

  async #publish(article: WrittenArticle): Promise<void> {
    await this.#change(article, publishArticle);
    article.isPublished = true;
  }

  async #unpublish(article: WrittenArticle): Promise<void> {
    await this.#change(article, unpublishArticle);
    article.isPublished = false;
  }

  async #delete(article: WrittenArticle): Promise<void> {
    await this.#change(article, deleteArticle);
    article.isDeleted = true;
  }

  async #restore(article: WrittenArticle): Promise<void> {
    await this.#change(article, restoreArticle);
    article.isDeleted = false;
  }

  async #comment(): Promise<void> {
    const articleId = this.#anyStable();
    const content = this.#text('Comment');
    const params = { id: articleId };
    const answer = await this.#do(
      addComment,
      { params, body: { content } },
      ({ body }) => `comment-${body.id}`,
    );
    this.#shared.comments.push({ id: answer.body.id, articleId, content });
  }

  async #toggleLike(): Promise<void> {
    const articleId = this.#anyStable();
    const likers = this.#shared.likes.get(articleId) ?? new Set();
    const isLiked = likers.has(this.person.id);
    const stream = `like-${articleId}.${this.person.id}`;
    await this.#do(isLiked ? unlikeArticle : likeArticle, { params: { id: articleId } }, () => stream);
    if (isLiked) likers.delete(this.person.id);
    else likers.add(this.person.id);
  }

  async #describe(): Promise<void> {
    const bio = this.#text('Bio');
    await this.#do(updateMe, { body: { bio } }, () => `user-${this.person.id}`);
    this.bio = bio;
  }

  async #register(): Promise<void> {
    const username = uniqueName('fellow');
    const body = { username, email: `${username}@example.org`, password: PASSWORD };
    const answer = await this.#do(registerUser, { body }, ({ body: { id } }) => `user-${id}`);
    this.#shared.registered.push({ id: answer.body.id, username });
  }

  async #change(article: WrittenArticle, route: Route, options: CallOptions = {}): Promise<void> {
    const params = { id: article.id };
    const answer = await this.#do(route, { ...options, params }, () => `article-${article.id}`);
    article.revision = answer.body.revision;
  }

  async #do(route: Route, options: CallOptions, streamOf: (answer: Answer) => string): Promise<Answer> {
    const { ledger, setbacks } = this.#shared;
    const answer = await insist(this.person.api.as(this.#token), route, options, setbacks, () =>
      this.#logIn(),
    );
    ledger.push({
      command: route.name,
      stream: streamOf(answer),
      revision: answer.body.revision ?? null,
      position: answer.headers.get('annals-position') ?? '',
    });
    return answer;
  }

  /** Long runs outlive access tokens. */
  async #logIn(): Promise<string> {
    const body = { login: this.person.username, password: PASSWORD };
    const answer = await insist(this.person.api, createSession, { body }, this.#shared.setbacks);
    this.#token = answer.body.accessToken;
    return this.#token;
  }

  #anyStable(): string {
    const id = pick([...this.#shared.likes.keys()]);
    if (id === undefined) throw new Error('nobody has begun');
    return id;
  }

  #text(what: string): string {
    this.#count++;
    return `${what} ${this.#count} of ${uniqueName(this.person.username)}`;
  }
}

function pick<One>(some: readonly One[]): One | undefined {
  return some[Math.floor(Math.random() * some.length)];
}
