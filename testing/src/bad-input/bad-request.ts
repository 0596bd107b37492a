/** A request that must be refused, and the check of its refusal. */
import type { MistakePlace, ProblemCode } from '@annals/contracts/problems';

/** Sent as it stands: `path` and `body` are already encoded. */
export interface BadRequest {
  /** Route and what is wrong, e.g. `createArticle: body without title`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly expected: {
    readonly status: number;
    readonly code: ProblemCode;
    /** One of the mistakes that the problem must list. */
    readonly mistake?: MistakePlace;
  };
}

/** What came back. */
export interface Refusal {
  readonly status: number;
  readonly contentType: string | null | undefined;
  readonly body: string;
}

/** What is wrong with the answer to `request`; null where it is the precise problem that was due. */
export function faultOf({ expected }: BadRequest, answer: Refusal): string | null {
  const said = `${answer.status} ${answer.contentType} ${answer.body.slice(0, 500)}`;
  if (answer.status !== expected.status) return `expected ${expected.status} ${expected.code}, got ${said}`;
  if (!answer.contentType?.startsWith('application/problem+json')) return `expected a problem, got ${said}`;
  const problem = JSON.parse(answer.body) as { code?: string; errors?: Record<string, unknown>[] };
  if (problem.code !== expected.code) return `expected the code ${expected.code}, got ${said}`;
  const [place] = Object.entries(expected.mistake ?? {});
  if (!place) return null;
  const [kind, name] = place;
  return problem.errors?.some((mistake) => mistake[kind] === name)
    ? null
    : `expected a mistake at ${kind} ${name}, got ${said}`;
}
