/**
 * One author and one reader at random, one command after the other, each at whichever replica it is sent to. A model
 * in the test knows what each must be answered: whatever it was acknowledged before counts.
 */

import { grantPermission } from '@annals/contracts/identity/user.routes';
import * as routes from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import type { EventStoreConfig } from '@annals/platform/event-store/open';
import { expect } from 'vitest';
import { Api, uniqueName } from '../e2e/client.ts';
import { newPerson, type Person } from '../e2e/people.ts';
import type { TestStack } from '../stack.ts';
import { type Command, type Decision, decided } from './decided.ts';
import { readLog } from './log-reader.ts';

interface Article {
  readonly id: string;
  title: string;
  content: string;
  status: 'draft' | 'published' | 'deleted';
  wasPublished: boolean;
  revision: number;
  isLiked: boolean;
  likes: number;
  likePosition: string | null;
  comments: number;
}

/** What the model expects of a command: its outcome, and what is so once it has come to it. */
interface Expected {
  readonly name: string;
  readonly command: Command;
  readonly outcome: string;
  /** Where the article is then; left out where the answer does not tell. */
  readonly revision?: number;
  readonly learn?: (decision: Decision) => void;
}

export interface Walk {
  /** What the steps came to: `done`, `no-op` or a problem's code. */
  readonly outcomes: readonly string[];
  step(url: string): Promise<void>;
  /** The log has what was acknowledged, and nothing besides. */
  expectInLog(address: EventStoreConfig): Promise<void>;
}

const MAX_ARTICLES = 4;

const pick = <One>(some: readonly One[]): One => some[Math.floor(Math.random() * some.length)] as One;

const turns = {
  publish: routes.publishArticle,
  unpublish: routes.unpublishArticle,
  delete: routes.deleteArticle,
  restore: routes.restoreArticle,
} as const;

class Walker implements Walk {
  readonly outcomes: string[] = [];
  readonly #stack: TestStack;
  readonly #author: Person;
  readonly #reader: Person;
  readonly #articles: Article[] = [];
  readonly #titles = ['One', 'Two', 'Three'].map((title) => `${title} of ${uniqueName('walk')}`);
  #isReaderStaff = false;

  constructor(stack: TestStack, author: Person, reader: Person) {
    this.#stack = stack;
    this.#author = author;
    this.#reader = reader;
  }

  async step(url: string): Promise<void> {
    const { name, command, outcome, revision, learn } = await this.#next(url);
    const decision = await decided(url, command);
    this.outcomes.push(outcome === 'done' && name.endsWith('no-op') ? 'no-op' : outcome);
    const { status, body } = decision;
    expect({ outcome: decision.outcome, status, body }, `${name} at ${url}`).toMatchObject({
      outcome,
      ...(revision === undefined
        ? {}
        : { body: outcome === 'done' ? { revision } : { actualRevision: revision } }),
    });
    learn?.(decision);
  }

  async #next(url: string): Promise<Expected> {
    const choice = Math.random();
    if (this.#articles.length === 0 || (choice < 0.1 && this.#articles.length < MAX_ARTICLES))
      return this.#create();
    const article = pick(this.#articles);
    if (choice < 0.25) return this.#like(article);
    if (choice < 0.35) return this.#comment(article);
    if (choice < 0.36 && !this.#isReaderStaff) await this.#grant(url);
    return this.#change(article, pick([this.#author, this.#author, this.#reader]));
  }

  #create(): Expected {
    const title = pick(this.#titles);
    const content = '<p>First.</p>';
    const isTaken = this.#isTaken(title);
    return {
      name: 'create',
      command: {
        route: routes.createArticle,
        token: this.#author.api.token,
        options: { body: { title, content } },
      },
      outcome: isTaken ? 'title-taken' : 'done',
      ...(isTaken ? {} : { revision: 0, learn: ({ body: { id } }) => this.#add(id, title, content) }),
    };
  }

  #add(id: string, title: string, content: string): void {
    const like = { isLiked: false, likes: 0, likePosition: null };
    const [status, wasPublished] = ['draft', false] as const;
    this.#articles.push({ id, title, content, status, wasPublished, revision: 0, comments: 0, ...like });
  }

  #like(article: Article): Expected {
    const isLike = Math.random() < 0.5;
    const isNews = isLike !== article.isLiked;
    const learn = ({ headers }: Decision) => {
      const position = headers.get('annals-position');
      if (!isNews && article.likePosition) expect(position, 'of the newest like').toBe(article.likePosition);
      if (!isNews) return;
      Object.assign(article, { isLiked: isLike, likes: article.likes + 1, likePosition: position });
    };
    return this.#ofReader(article, {
      name: isLike ? 'like' : 'unlike',
      command: { route: isLike ? routes.likeArticle : routes.unlikeArticle, options: {} },
      learn,
    });
  }

  #comment(article: Article): Expected {
    return this.#ofReader(article, {
      name: 'comment',
      command: { route: addComment, options: { body: { content: 'Indeed.' } } },
      learn: () => {
        article.comments += 1;
      },
    });
  }

  #ofReader(article: Article, { command, learn, ...rest }: Omit<Expected, 'outcome'>): Expected {
    const isThere = article.status === 'published';
    const options = { ...command.options, params: { id: article.id } };
    return {
      ...rest,
      command: { ...command, options, token: this.#reader.api.token },
      outcome: isThere ? 'done' : 'not-found',
      ...(isThere && learn ? { learn } : {}),
    };
  }

  /** From then on nobody refuses the reader anything. */
  async #grant(url: string): Promise<void> {
    const params = { id: this.#reader.id, permission: 'staff' };
    await new Api(url, this.#stack.serviceToken).ok(grantPermission, { params });
    this.#isReaderStaff = true;
  }

  #change(article: Article, by: Person): Expected {
    const { revision } = article;
    const condition = pick([null, null, revision, revision === 0 ? 1 : revision - 1]);
    const change = pick([
      () => this.#update(article, { title: pick(this.#titles) }),
      () => this.#update(article, { content: pick(['<p>First.</p>', '<p>Second.</p>']) }),
      () => this.#turn(article, 'publish'),
      () => this.#turn(article, 'unpublish'),
      () => this.#turn(article, 'delete'),
      () => this.#turn(article, 'restore'),
    ])();
    const headers = condition === null ? {} : { 'if-match': `"${condition}"` };
    const options = { ...change.command.options, params: { id: article.id }, headers };
    const command = { ...change.command, options, token: by.api.token };
    const refusal = this.#refusal(article, by, condition);
    return refusal ? { name: change.name, command, ...refusal } : { ...change, command };
  }

  #refusal(
    article: Article,
    by: Person,
    condition: number | null,
  ): Pick<Expected, 'outcome' | 'revision'> | null {
    if (by === this.#reader && !this.#isReaderStaff)
      return { outcome: article.status === 'published' ? 'forbidden' : 'not-found' };
    if (condition !== null && condition !== article.revision)
      return { outcome: 'revision-mismatch', revision: article.revision };
    return null;
  }

  #update(article: Article, changes: { title?: string; content?: string }): Expected {
    const { title, content } = changes;
    const name = title === undefined ? 'edit' : 'rename';
    const command = { route: routes.updateArticle, options: { body: changes } };
    if (article.status === 'deleted') return { name, command, outcome: 'not-found' };
    if ((title ?? article.title) === article.title && (content ?? article.content) === article.content)
      return { name: `${name}, no-op`, command, outcome: 'done', revision: article.revision };
    if (title !== undefined && this.#isTaken(title)) return { name, command, outcome: 'title-taken' };
    return this.#moved(article, { name, command }, changes);
  }

  #turn(article: Article, name: keyof typeof turns): Expected {
    const { status, wasPublished } = article;
    const before = `${name} ${status}`;
    const command = { route: turns[name], options: name === 'publish' ? { body: {} } : {} };
    if (before === 'publish deleted' || before === 'unpublish deleted')
      return { name, command, outcome: 'not-found' };
    const isNoOp = ['publish published', 'unpublish draft', 'delete deleted'].includes(before);
    if (isNoOp || (name === 'restore' && status !== 'deleted'))
      return { name: `${name}, no-op`, command, outcome: 'done', revision: article.revision };
    if (name === 'restore' && this.#isTaken(article.title)) return { name, command, outcome: 'title-taken' };
    const next = {
      publish: { status: 'published' },
      unpublish: { status: 'draft' },
      delete: { status: 'deleted', wasPublished: status === 'published' },
      restore: { status: wasPublished ? 'published' : 'draft' },
    } as const;
    return this.#moved(article, { name, command }, next[name]);
  }

  #moved(article: Article, what: Pick<Expected, 'name' | 'command'>, changes: Partial<Article>): Expected {
    const revision = article.revision + 1;
    return { ...what, outcome: 'done', revision, learn: () => Object.assign(article, changes, { revision }) };
  }

  #isTaken(title: string): boolean {
    return this.#articles.some((article) => article.title === title && article.status !== 'deleted');
  }

  async expectInLog(address: EventStoreConfig): Promise<void> {
    const events = await readLog(address);
    const length = (stream: string) => events.filter((event) => event.stream === stream).length;
    for (const { id, revision, likes, comments, isLiked } of this.#articles) {
      const like = `like-${id}.${this.#reader.id}`;
      const last = events.findLast(({ stream }) => stream === like)?.type;
      expect({
        article: length(`article-${id}`),
        likes: length(like),
        isLiked: last === 'ArticleLiked',
        comments: events.filter(({ type, data }) => type === 'CommentAdded' && belongsTo(data, id)).length,
      }).toEqual({ article: revision + 1, likes, isLiked, comments });
    }
  }
}

const belongsTo = (data: unknown, articleId: string) =>
  (data as { articleId: string }).articleId === articleId;

/** Two new people, and nothing written yet. */
export async function startWalk(stack: TestStack): Promise<Walk> {
  return new Walker(stack, await newPerson(stack.url, 'author'), await newPerson(stack.url, 'reader'));
}
