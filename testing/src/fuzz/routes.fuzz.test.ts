/**
 * Every route, fuzzed from its own schemas: no 5xx, and every answer is one that the OpenAPI document promises, in
 * status, headers, content type and body.
 */
import type { Route } from '@annals/contracts/kit/route';
import { routes } from '@annals/contracts/routes';
import fc from 'fast-check';
import { beforeAll, expect, inject, test } from 'vitest';
import { signInAdmin } from '../e2e/admin.ts';
import { report } from '../guarantees/report.ts';
import { Known } from './known.ts';
import { type AnswerChecker, createAnswerChecker, type OpenApi, type RawAnswer } from './openapi-answers.ts';
import { type FuzzedRequest, requestsOf } from './requests.ts';
import { runs } from './runs.ts';
import { type RawRequest, send } from './send.ts';

const url = inject('stackUrl');
let known: Known;
let document: OpenApi;
let checker: AnswerChecker;
let requests = 0;

beforeAll(async () => {
  document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  checker = createAnswerChecker(document);
  known = await Known.create(url, { admin: await signInAdmin(url), service: inject('serviceToken') });
  await known.settle();
});

/** Words that queries may name: the members of what they answer. */
const names = [
  'id',
  'title',
  'createdAt',
  'publishedAt',
  'likeCount',
  'joinedAt',
  'username',
  'content',
  'author',
];

/** What is wrong with the answer to a request; null where nothing is. */
function faultOf(route: Route, fuzzed: FuzzedRequest, sent: RawRequest, answer: RawAnswer): string | null {
  if (answer.status >= 500) return `a ${answer.status}: ${answer.body.slice(0, 300)}`;
  if (fuzzed.isHead) return answer.body === '' ? null : 'a body after HEAD';
  return (
    checker.faultOf(route, answer) ?? throttleFault(route, fuzzed, answer) ?? schemaFault(route, sent, answer)
  );
}

/** Limits are told to everyone who has some. */
function throttleFault({ throttle }: Route, { caller }: FuzzedRequest, answer: RawAnswer): string | null {
  const isLimited = throttle !== 'none' && caller !== 'service' && answer.status < 400;
  return isLimited && answer.headers.ratelimit === undefined ? 'no header RateLimit' : null;
}

/** Whether server and document agree on the request, and the answer is also what the route itself says. */
function schemaFault(route: Route, sent: RawRequest, answer: RawAnswer): string | null {
  const isTaken = answer.status < 300;
  if (isTaken && sent.body && !checker.allowsBody(route, JSON.parse(sent.body)))
    return 'the document refuses a body that the server takes';
  if (
    answer.status !== route.success.status ||
    !route.success.schema ||
    /[?&](fields|exclude)=/.test(sent.path)
  )
    return null;
  if (!answer.headers['content-type']?.startsWith('application/json')) return null;
  const parsed = route.success.schema.safeParse(JSON.parse(answer.body));
  return parsed.success ? null : `the route’s own schema refuses the body: ${parsed.error.message}`;
}

test('the description that the API serves is about every route', () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(operations.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test.each(routes.map((route) => [route.name, route] as const))(
  '%s answers as documented, whatever it is asked',
  async (_name, route) => {
    await fc.assert(
      fc.asyncProperty(requestsOf(route, names), async (fuzzed) => {
        const sent = known.resolve(route.path, route.method, fuzzed);
        const answer = await send(url, sent);
        requests++;
        const fault = faultOf(route, fuzzed, sent, answer);
        if (fault) throw new Error(`${fault}\nto ${JSON.stringify(sent).slice(0, 2_000)}`);
        known.learn(answer);
        await known.renew(fuzzed.caller, answer);
      }),
      runs(15, 1_000),
    );
    report(0, { requests });
  },
);
