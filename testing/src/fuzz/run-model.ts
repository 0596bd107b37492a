/** Runs operations of the model against the API: sends a round at once, and keeps the worlds that explain its answers. */
import { isDeepStrictEqual } from 'node:util';
import { uniqueName } from '../e2e/client.ts';
import { newPerson, PASSWORD } from '../e2e/people.ts';
import { linearise } from './linearise.ts';
import { type Answer, type Call, type Operation, STAFF, type World } from './model.ts';
import type { Sent } from './operations.ts';
import { send } from './send.ts';

interface Client {
  readonly id: string;
  readonly token: string;
}

/** What an operation becomes on the wire. */
interface Wire {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

const NOBODY = '01990000-0000-7000-8000-000000000009';

/** A refusal that uses no key up: the same request may fare otherwise the next time. */
const isPassing = ({ status, code }: Answer) => status === 422 || code === 'concurrent-changes';

export class ModelRun {
  readonly clients: readonly Client[];
  /** Ids in the order in which their creation was sent. */
  readonly articles: string[] = [];
  readonly comments: string[] = [];
  /** Every world that explains the answers so far. */
  worlds: readonly World[];
  /** The newest position that was answered. */
  position = '';
  readonly #url: string;
  readonly #prefix = uniqueName('m');
  #keys = 0;

  private constructor(url: string, clients: readonly Client[]) {
    this.#url = url;
    this.clients = clients;
    const profile = { firstName: 'Ada', revision: 0, canPublish: 'no' } as const;
    this.worlds = [{ articles: {}, likes: [], comments: {}, profiles: [profile, profile], taken: [] }];
  }

  /** Two people who are new, and `staff`; the first of them has written and published something. */
  static async start(url: string, staff: Client): Promise<ModelRun> {
    const people = await Promise.all([newPerson(url, 'model'), newPerson(url, 'model')]);
    const run = new ModelRun(url, [...people.map(({ id, api }) => ({ id, token: api.token ?? '' })), staff]);
    const first = { client: 0, title: 'About the first', content: '<p>Words.</p>' };
    await run.round([{ operation: { kind: 'create', ...first }, ifMatch: null, times: 1 }]);
    await run.round([{ operation: { kind: 'publish', client: 0, article: 0 }, ifMatch: null, times: 1 }]);
    return run;
  }

  usernameOf(username: number): string {
    return `${this.#prefix}-${username}`;
  }

  /** Sends operations at once; throws where no order of them explains their answers. */
  async round(sent: readonly Sent[]): Promise<void> {
    const calls = await Promise.all(sent.map((one) => this.#call(one)));
    const worlds = linearise(this.worlds, calls);
    if (worlds.length === 0) {
      const what = calls.map((call) => JSON.stringify(call)).join('\n');
      throw new Error(
        `no order of these explains their answers:\n${what}\nafter ${JSON.stringify(this.worlds)}`,
      );
    }
    this.worlds = worlds;
    for (const { operation, answer } of calls) {
      if (answer.status !== 201 || answer.id === undefined) continue;
      if (operation.kind === 'create') this.articles.push(answer.id);
      if (operation.kind === 'comment') this.comments.push(answer.id);
    }
  }

  async #call({ operation, ifMatch, times }: Sent): Promise<Call> {
    const id =
      'article' in operation ? (this.articles[operation.article % this.articles.length] ?? NOBODY) : '';
    const parent = operation.kind === 'comment' ? operation.parent : null;
    const parentId = parent === null ? null : (this.comments[parent % this.comments.length] ?? NOBODY);
    const revision = ifMatch === null ? null : this.#revisionOf(operation, id);
    const condition = revision === null ? null : Math.max(0, revision - Number(ifMatch === 'stale'));
    const call = { operation, id, parentId, ifMatch: condition };
    return { ...call, answer: await this.#answerOf(call, times) };
  }

  /** The revision that a client would have seen; null for what takes no conditions. */
  #revisionOf(operation: Operation, id: string): number | null {
    const world = this.worlds[0];
    switch (operation.kind) {
      case 'create':
      case 'like':
      case 'unlike':
      case 'comment':
      case 'register':
      case 'log-in':
        return null;
      case 'profile':
        return world?.profiles[operation.client]?.revision ?? null;
      case 'grant':
      case 'revoke':
        return world?.profiles[operation.to]?.revision ?? null;
      default:
        return (world?.articles[id]?.history.length ?? 1) - 1;
    }
  }

  /** The one answer to a command that is sent several times with one key: twice at once, and once more. */
  async #answerOf(call: Omit<Call, 'answer'>, times: number): Promise<Answer> {
    const isPlain = call.operation.kind === 'log-in';
    const key = times > 1 && !isPlain ? `${this.#prefix}-${this.#keys++}` : undefined;
    const answers = await Promise.all([1, 2].slice(0, key ? times : 1).map(() => this.#send(call, key)));
    if (key && times > 2) answers.push(await this.#send(call, key));
    const told = answers.filter(({ code }) => code !== 'idempotency-in-flight');
    const final = told.filter((answer) => !isPassing(answer));
    const [first = told[0], ...others] = final;
    if (!first || others.some((other) => !isDeepStrictEqual(other, first)))
      throw new Error(`one key, several answers to ${JSON.stringify(call)}: ${JSON.stringify(answers)}`);
    return first;
  }

  async #send(call: Omit<Call, 'answer'>, key: string | undefined): Promise<Answer> {
    const { method, path, body } = this.#wireOf(call);
    const { operation, ifMatch } = call;
    const token = 'client' in operation ? this.clients[operation.client]?.token : undefined;
    const answer = await send(this.#url, {
      method,
      path,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(ifMatch === null ? {} : { 'if-match': `"${ifMatch}"` }),
        ...(key ? { 'idempotency-key': key } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const { id, revision, code } = JSON.parse(answer.body) as Answer;
    const position = answer.headers['annals-position'] ?? '';
    if (position > this.position) this.position = position;
    if (answer.status < 300 && operation.kind !== 'log-in' && position === '')
      throw new Error(`no position in the answer to ${JSON.stringify(call)}`);
    return { status: answer.status, code, id, revision };
  }

  #wireOf({ operation, id, parentId }: Omit<Call, 'answer'>): Wire {
    const article = `/v1/articles/${id}`;
    switch (operation.kind) {
      case 'create':
        return {
          method: 'POST',
          path: '/v1/articles',
          body: { title: operation.title, content: operation.content },
        };
      case 'update':
        return { method: 'PATCH', path: article, body: operation.changes };
      case 'replace':
        return { method: 'PUT', path: article, body: operation.changes };
      case 'delete':
        return { method: 'DELETE', path: article };
      case 'like':
        return { method: 'PUT', path: `${article}/like` };
      case 'unlike':
        return { method: 'DELETE', path: `${article}/like` };
      case 'comment':
        return { method: 'POST', path: `${article}/comments`, body: { content: 'Hm.', parentId } };
      case 'profile':
        return { method: 'PATCH', path: '/v1/me', body: { firstName: operation.firstName } };
      case 'grant':
      case 'revoke':
        return {
          method: operation.kind === 'grant' ? 'PUT' : 'DELETE',
          path: `/v1/users/${this.clients[operation.to]?.id}/permissions/can_publish`,
        };
      case 'register': {
        const [username, email] = [
          this.usernameOf(operation.username),
          `${this.usernameOf(operation.email)}@example.org`,
        ];
        return { method: 'POST', path: '/v1/users', body: { username, email, password: PASSWORD } };
      }
      case 'log-in': {
        const login = this.usernameOf(operation.username);
        return { method: 'POST', path: '/v1/sessions', body: { login, password: PASSWORD } };
      }
      default:
        return { method: 'POST', path: `${article}/${operation.kind}` };
    }
  }
}

/** Who looks at the views: nobody, and every client. */
export const viewers = [null, 0, 1, STAFF] as const;
