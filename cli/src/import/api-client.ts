/** Calls the public API as an import does: patiently, and so that a repeated call does nothing twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../output.ts';

export interface ApiAnswer {
  readonly status: number;
  /** The body, parsed; undefined where it is empty. */
  readonly body: unknown;
  /** True where the answer is that of an earlier request with the same key. */
  readonly isReplayed: boolean;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** With query. */
  readonly path: string;
  readonly body?: unknown;
  /** Makes the request safe to repeat. */
  readonly key?: string;
}

export interface ApiClient {
  /**
   * The answer, be it a success or a refusal. Waits and tries again where the API asks for it (429, 503), is busy with
   * the same thing, or cannot be reached, for two minutes at most; then throws a {@link Failure}.
   */
  call(request: ApiRequest): Promise<ApiAnswer>;
}

const PATIENCE_MS = 120_000;
const REQUEST_TIMEOUT_MS = 60_000;
const LONGEST_PAUSE_MS = 5_000;
const FIRST_PAUSE_MS = 100;
/** Refusals that go away by themselves. */
const PASSING: ReadonlySet<string> = new Set(['idempotency-in-flight', 'concurrent-changes']);

/** A client of the API at `baseUrl` for the bearer of `token`. `signal` ends waiting. */
export function createApiClient(baseUrl: string, token: string, signal?: AbortSignal): ApiClient {
  async function attempt({
    method,
    path,
    body,
    key,
  }: ApiRequest): Promise<ApiAnswer & { retryAfter: number }> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      isReplayed: response.headers.get('idempotency-replayed') === 'true',
      retryAfter: Number(response.headers.get('retry-after') ?? 0) * 1_000,
    };
  }

  return {
    async call(request) {
      const deadline = Date.now() + PATIENCE_MS;
      for (let tries = 0; ; tries++) {
        const outcome = await attempt(request).catch((error: unknown) => {
          signal?.throwIfAborted();
          return { status: 0, body: undefined, isReplayed: false, retryAfter: 0, error };
        });
        if (!isPassing(outcome)) return outcome;
        if (Date.now() > deadline) throw new Failure(`${baseUrl} does not answer: ${describe(outcome)}`);
        await sleep(Math.max(outcome.retryAfter, pause(tries)), undefined, { signal });
      }
    },
  };
}

/** The code of a problem; empty for other bodies. */
export function codeOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : '';
}

/** An outcome that is unknown (no answer, a server's mistake) is asked for again with the same key. */
function isPassing({ status, body }: { status: number; body: unknown }): boolean {
  return status === 0 || status === 429 || status >= 500 || PASSING.has(codeOf(body));
}

function pause(tries: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
  return longest * (0.5 + Math.random() / 2);
}

function describe(outcome: { status: number; body: unknown; error?: unknown }): string {
  if (outcome.error instanceof Error) return outcome.error.message;
  return `${outcome.status} ${codeOf(outcome.body)}`;
}
