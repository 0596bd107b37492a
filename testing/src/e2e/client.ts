/** An API client for tests: calls routes by their definition and holds every answer against the route's own schema. */
import { randomUUID } from 'node:crypto';
import type { Route } from '@annals/contracts/kit/route';
import { problems } from '@annals/contracts/problems';

// biome-ignore lint/suspicious/noExplicitAny: bodies are held against the route's schema, and read freely by tests
type AnyBody = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnyBody;
}

export interface CallOptions {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A caller of the API, anonymous or with a token. */
export class Api {
  readonly baseUrl: string;
  readonly token: string | undefined;

  constructor(baseUrl: string, token?: string) {
    this.baseUrl = baseUrl;
    this.token = token;
  }

  /** The same API with another token. */
  as(token: string): Api {
    return new Api(this.baseUrl, token);
  }

  /** Calls `route` and returns its answer, whatever its status. Success bodies and problems are held against their schemas. */
  async call(route: Route, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.send(route, options);
    this.verify(route, answer);
    return answer;
  }

  /** Calls `route` and returns its answer, whatever it is. Throws where there is none. */
  async send(route: Route, options: CallOptions = {}): Promise<Answer> {
    const response = await fetch(this.url(route, options), {
      method: route.method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, body };
  }

  /** Like {@link call}, and throws unless the route's success status came back. */
  async ok(route: Route, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.call(route, options);
    if (answer.status !== route.success.status) {
      throw new Error(`${route.name} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer;
  }

  private url(route: Route, { params = {}, query = {} }: CallOptions): string {
    const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(String(params[name])),
    );
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return `${this.baseUrl}${path}${search.size > 0 ? `?${search}` : ''}`;
  }

  private verify(route: Route, { status, headers, body }: Answer): void {
    if (status === route.success.status) {
      if (!('fields' in route.query) && route.success.schema) route.success.schema.parse(body);
      return;
    }
    if (status === 304) return;
    const problem = body as { readonly code: keyof typeof problems };
    if (status >= 500 && status !== 503) throw new Error(`${route.name}: ${JSON.stringify(body)}`);
    if (!headers.get('content-type')?.startsWith('application/problem+json')) {
      throw new Error(`${route.name} answered ${status} without a problem document`);
    }
    if (problems[problem.code]?.status !== status) throw new Error(`${problem.code} with status ${status}`);
  }
}

/** A position that an answer carries; throws where it has none. */
function positionOf(answer: Answer): string {
  const position = answer.headers.get('annals-position');
  if (!position) throw new Error('the answer has no Annals-Position');
  return position;
}

/** The headers of a query that must reflect `answer`. */
export function after(answer: Answer): { headers: Record<string, string> } {
  return { headers: { 'annals-min-position': positionOf(answer), prefer: 'wait=10' } };
}

/** A name that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}
