/** What the running system knows and requests of the fuzz may name: people, articles, comments, and what it answered. */
import { createSession } from '@annals/contracts/identity/session.routes';
import { grantPermission } from '@annals/contracts/identity/user.routes';
import {
  createArticle,
  deleteArticle,
  likeArticle,
  publishArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { routes } from '@annals/contracts/routes';
import { Api, after, uniqueName } from '../e2e/client.ts';
import { newPerson, PASSWORD, type Person } from '../e2e/people.ts';
import type { RawAnswer } from './openapi-answers.ts';
import type { CallerName, FuzzedRequest, Text } from './requests.ts';
import type { RawRequest } from './send.ts';

/** Answers are remembered as far as this. */
const REMEMBERED = 30;

type PersonName = 'author' | 'reader' | 'staff';

const isPerson = (caller: CallerName): caller is PersonName =>
  caller === 'author' || caller === 'reader' || caller === 'staff';

export class Known {
  readonly #people: Record<PersonName, Person>;
  /** Of somebody whom no request puts out. */
  readonly #admin: Api;
  readonly #tokens: Record<CallerName, string | undefined>;
  readonly #pools: Record<string, string[]>;
  readonly #baseUrl: string;

  private constructor(
    baseUrl: string,
    admin: Api,
    people: Record<PersonName, Person>,
    tokens: Record<CallerName, string | undefined>,
    pools: Record<string, string[]>,
  ) {
    this.#baseUrl = baseUrl;
    this.#admin = admin;
    this.#people = people;
    this.#tokens = tokens;
    this.#pools = pools;
  }

  /** Two people and a member of staff, and articles in every state. */
  static async create(baseUrl: string, tokens: { admin: string; service: string }): Promise<Known> {
    const [author, reader] = [await newPerson(baseUrl, 'author'), await newPerson(baseUrl, 'reader')];
    const admin = new Api(baseUrl).as(tokens.admin);
    const staff = await newStaff(baseUrl, admin);
    const ids: string[] = [];
    for (const state of ['draft', 'published', 'published', 'deleted'] as const) {
      const body = { title: `Fuzzed ${uniqueName(state)}`, content: '<p>one two</p>', tags: ['one', 'two'] };
      const { id } = (await author.api.ok(createArticle, { body })).body;
      ids.push(id);
      if (state === 'published') {
        await author.api.ok(publishArticle, { params: { id } });
        await reader.api.ok(likeArticle, { params: { id } });
        ids.push((await reader.api.ok(addComment, { params: { id }, body: { content: 'Hm.' } })).body.id);
      }
      if (state === 'deleted') await author.api.ok(deleteArticle, { params: { id } });
    }
    const pools = {
      id: [...ids, author.id, reader.id],
      idOrSlug: [...ids],
      idOrUsername: [author.id, author.username, reader.username],
      login: [author.username, reader.email],
      password: [PASSWORD],
      refreshToken: [reader.refreshToken],
    };
    const all = {
      anonymous: undefined,
      author: author.api.token,
      reader: reader.api.token,
      staff: staff.api.token,
      nobody: 'nobody',
      service: tokens.service,
    };
    return new Known(baseUrl, admin, { author, reader, staff }, all, pools);
  }

  /** The request as it is sent. */
  resolve(path: string, method: string, request: FuzzedRequest): RawRequest {
    const { caller, params, query, headers, body } = request;
    const token = this.#tokens[caller];
    const search = query
      .map(([name, value]) => `${encode(name)}=${encode(this.#text(name, value))}`)
      .join('&');
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encode(this.#text(name, params[name] ?? { text: '' })),
    );
    return {
      method: request.isHead ? 'HEAD' : method,
      path: search === '' ? filled : `${filled}?${search}`,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body && body.contentType !== null ? { 'content-type': body.contentType } : {}),
        ...Object.fromEntries(
          Object.entries(headers).flatMap(([name, value]) =>
            value ? [[name, this.#text(name, value)]] : [],
          ),
        ),
      },
      ...(body ? { body: this.#bodyText(body) } : {}),
    };
  }

  /** Remembers what later requests may name. */
  learn(answer: RawAnswer): void {
    const body = answer.headers['content-type']?.startsWith('application/json')
      ? JSON.parse(answer.body || '{}')
      : {};
    const found: Record<string, unknown> = {
      id: answer.status === 201 ? body.id : undefined,
      idOrSlug: body.slug,
      refreshToken: body.refreshToken,
      cursor: typeof body.next === 'string' ? new URL(body.next).searchParams.get('cursor') : undefined,
      'annals-min-position': answer.headers['annals-position'],
      'if-match': answer.headers.etag,
      'if-none-match': answer.headers.etag,
    };
    for (const [name, value] of Object.entries(found)) {
      if (typeof value !== 'string') continue;
      const pool = this.#pools[name] ?? [];
      this.#pools[name] = pool;
      pool.push(value);
      // What was there first stays: the articles in their states.
      if (pool.length > REMEMBERED) pool.splice(10, 1);
    }
  }

  /** Whoever was put out by the fuzz logs in again; who can't any more is replaced. */
  async renew(caller: CallerName, answer: RawAnswer): Promise<void> {
    if (answer.status !== 401 || !isPerson(caller)) return;
    const { username } = this.#people[caller];
    const session = await new Api(this.#baseUrl).call(createSession, {
      body: { login: username, password: PASSWORD },
    });
    if (session.status === 201) {
      this.#tokens[caller] = session.body.accessToken;
      return;
    }
    const successor = await (caller === 'staff'
      ? newStaff(this.#baseUrl, this.#admin)
      : newPerson(this.#baseUrl, caller));
    this.#people[caller] = successor;
    this.#tokens[caller] = successor.api.token;
  }

  /** A position of this log's views, after which everything made by {@link create} is visible. */
  async settle(): Promise<void> {
    const { author } = this.#people;
    const route = routes.find(({ name }) => name === 'listMyArticles');
    const written = await author.api.ok(createArticle, { body: { title: `Last ${uniqueName('one')}` } });
    if (route) await author.api.ok(route, after(written));
  }

  #text(name: string, value: Text): string {
    if ('text' in value) return value.text;
    const pool = this.#pools[name] ?? this.#pools.id ?? [];
    return pool[value.known % pool.length] ?? 'nothing';
  }

  #bodyText({ content, isKnown }: NonNullable<FuzzedRequest['body']>): string {
    if ('raw' in content) return content.raw;
    return JSON.stringify(isKnown ? this.#withKnown(content.json, '') : content.json) ?? '';
  }

  #withKnown(value: unknown, name: string): unknown {
    if (typeof value === 'string') {
      const pool = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(value) ? this.#pools.id : this.#pools[name];
      return pool?.[value.length % pool.length] ?? value;
    }
    if (Array.isArray(value)) return value.map((item) => this.#withKnown(item, name));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([member, inner]) => [member, this.#withKnown(inner, member)]),
    );
  }
}

async function newStaff(baseUrl: string, admin: Api): Promise<Person> {
  const person = await newPerson(baseUrl, 'staff');
  await admin.ok(grantPermission, { params: { id: person.id, permission: 'staff' } });
  return person;
}

/** Percent-encoded, whatever it is; a lone surrogate becomes an escape that no UTF-8 has. */
function encode(text: string): string {
  return [...text]
    .map((character) => (character.isWellFormed() ? encodeURIComponent(character) : '%ED%A0%80'))
    .join('');
}
