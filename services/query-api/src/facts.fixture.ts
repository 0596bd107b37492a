/** Facts for tests: people, articles and what is done with them. */
import type { Fact } from '@annals/testing/read-side';
import { v7 as uuidv7 } from 'uuid';

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly facts: readonly Fact[];
}

export function person(username: string, firstName = '', lastName = ''): Person {
  const id = uuidv7();
  const data = { userId: id, username, email: `${id}@example.org`, firstName, lastName, imported: false };
  return { id, username, facts: [{ type: 'UserRegistered', data }] };
}

/** The creation of a category. */
export function category(name: string): Fact & { readonly id: string } {
  const id = uuidv7();
  const slug = name.toLowerCase().replace(/\W+/g, '-');
  return { id, type: 'CategoryCreated', data: { categoryId: id, name, slug } };
}

export function follows(follower: Person, { id }: Person): Fact {
  return { type: 'UserFollowed', data: { userId: id, followerId: follower.id } };
}

export interface ArticleInput {
  readonly author: Person;
  readonly title: string;
  readonly content?: string;
  readonly tags?: readonly string[];
  readonly externalId?: string;
  readonly categoryId?: string;
  readonly createdAt?: string;
}

/** An article and the facts about it; each method gives the facts of one change. */
export class Article {
  readonly id = uuidv7();
  readonly slug: string;
  readonly #input: ArticleInput;

  constructor(input: ArticleInput) {
    this.#input = input;
    this.slug = `${input.title.toLowerCase().replace(/\W+/g, '-')}-${this.id.slice(-6)}`;
  }

  get #subject() {
    return { articleId: this.id, authorId: this.#input.author.id };
  }

  get #category() {
    const { categoryId } = this.#input;
    return categoryId === undefined ? {} : { categoryId };
  }

  get #actor() {
    return { actor: { kind: 'user' as const, id: this.#input.author.id } };
  }

  created(): Fact {
    const { title, content = '<p>Some words.</p>', tags = [], externalId = null, createdAt } = this.#input;
    const category = this.#category;
    return {
      type: 'ArticleCreated',
      data: { ...this.#subject, title, slug: this.slug, content, tags, externalId, ...category },
      ...this.#actor,
      ...(createdAt ? { occurredAt: createdAt } : {}),
    };
  }

  published(publishedAt = '2026-01-01T00:00:00.000Z'): Fact {
    const data = { ...this.#subject, ...this.#category, publishedAt, tags: this.#input.tags ?? [] };
    return { type: 'ArticlePublished', data, ...this.#actor };
  }

  updated(data: object): Fact {
    return {
      type: 'ArticleUpdated',
      data: { ...this.#subject, isPublished: false, ...data },
      ...this.#actor,
    };
  }

  unpublished(): Fact {
    return {
      type: 'ArticleUnpublished',
      data: { ...this.#subject, tags: this.#input.tags ?? [] },
      ...this.#actor,
    };
  }

  /** A change that has nothing to say but `data`. */
  changed(type: string, data: object = {}): Fact {
    return { type, data: { ...this.#subject, ...data }, ...this.#actor };
  }

  deleted(wasPublished: boolean): Fact {
    return {
      type: 'ArticleDeleted',
      data: { ...this.#subject, wasPublished, tags: this.#input.tags ?? [] },
      ...this.#actor,
    };
  }

  liked(by: Person): Fact {
    return { type: 'ArticleLiked', data: { articleId: this.id, userId: by.id } };
  }

  unliked(by: Person): Fact {
    return { type: 'ArticleUnliked', data: { articleId: this.id, userId: by.id } };
  }

  commented(by: Person, content: string, parentId: string | null = null): Fact & { readonly id: string } {
    const id = uuidv7();
    return {
      id,
      type: 'CommentAdded',
      data: { commentId: id, articleId: this.id, authorId: by.id, parentId, content },
    };
  }
}

/** The ids of a list's results. */
export function ids(answer: {
  readonly body: { readonly results: readonly { readonly id: string }[] };
}): string[] {
  return answer.body.results.map(({ id }) => id);
}
