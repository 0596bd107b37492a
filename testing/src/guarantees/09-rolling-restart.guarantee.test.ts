import { setTimeout as sleep } from 'node:timers/promises';
import { createSession } from '@annals/contracts/identity/session.routes';
import type { Route } from '@annals/contracts/kit/route';
import { getArticle, listArticles } from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, Api, after, type CallOptions } from '../e2e/client.ts';
import { PASSWORD, type Person } from '../e2e/people.ts';
import { startTestStack, type TestStack } from '../stack.ts';
import { counts } from './counts.ts';
import { openSockets } from './push/open-sockets.ts';
import { publishedSince } from './push/published.ts';
import { createPublishers, type Publishers } from './push/publishers.ts';
import { mishapsOf, type ReconnectingSocket } from './push/reconnecting-socket.ts';
import { report } from './report.ts';

const rounds = counts(1, 3);
const anonymousSockets = counts(12, 60);
const authorsSockets = counts(4, 20);
const readers = 3;
const limit = '1000000';

let stack: TestStack;
let publishers: Publishers;
const sockets: ReconnectingSocket[] = [];
const failures: string[] = [];
let requests = 0;
let newest: Answer | undefined;

/** Every request counts, once: nobody repeats one that failed. */
async function call(person: Person, route: Route, options: CallOptions): Promise<Answer> {
  requests += 1;
  const answer = await person.api.ok(route, options);
  if (route.method !== 'GET') newest = answer;
  return answer;
}

beforeAll(async () => {
  // As in production: leases that would outlast the test unless they are handed over.
  stack = await startTestStack({
    replicas: 2,
    tuning: {
      ANNALS_THROTTLE_READ: limit,
      ANNALS_THROTTLE_WRITE: limit,
      ANNALS_THROTTLE_LOGIN: limit,
      ANNALS_THROTTLE_REFRESH: limit,
    },
  });
  publishers = await createPublishers(stack.url, call);
});
afterAll(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
  await stack?.stop();
});

async function logIn({ author }: Publishers): Promise<void> {
  requests += 1;
  await new Api(stack.url).ok(createSession, { body: { login: author.username, password: PASSWORD } });
  await sleep(200);
}

/** Reads what was just written, and what is there. */
async function read({ author, publicId }: Publishers): Promise<void> {
  const reader = { params: { idOrSlug: publicId } };
  await call(author, getArticle, newest ? { ...reader, ...after(newest) } : reader);
  await call(author, listArticles, { query: { author: author.username } });
}

/** Lets everybody work while `work` is done; what fails is noted, and they go on. */
async function underLoad(work: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const whileLasts = async (turn: () => Promise<void>) => {
    while (!over.signal.aborted) {
      await turn().catch((error: unknown) => failures.push(`${new Date().toISOString()} ${describe(error)}`));
      await sleep(Math.random() * 20);
    }
  };
  const turns = [...publishers.turns, () => logIn(publishers)];
  for (let n = 0; n < readers; n++) turns.push(() => read(publishers));
  const done = work().finally(() => over.abort());
  await Promise.all([done, ...turns.map(whileLasts)]);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message}${error.cause ? ` (${describe(error.cause)})` : ''}`;
}

test('SIGTERM under load fails no request and misses no push', async () => {
  sockets.push(
    ...openSockets(stack.url, publishers, { anonymous: anonymousSockets, authors: authorsSockets }),
  );
  const services = Object.keys(stack.pids()).filter((name) => name !== 'postgres' && name !== 'gateway');
  const turns = counts(
    [services.filter((name) => !name.endsWith('-2'))],
    services.map((name) => [name]),
  );
  const restarts: string[] = [];
  await underLoad(async () => {
    for (let round = 0; round < rounds; round++) {
      for (const names of turns) {
        restarts.push(...names.map((name) => `${new Date().toISOString()} ${name}`));
        await Promise.all(names.map((name) => stack.terminate(name)));
      }
    }
  });
  expect({ failures, restarts: failures.length > 0 ? restarts : [] }).toEqual({ failures: [], restarts: [] });

  const { channels } = await publishedSince(stack, publishers.since);
  const owed = (channel: string) => channels.get(channel) ?? [];
  const reached = (socket: ReconnectingSocket) =>
    [...socket.seen.keys()].every((channel) => socket.position(channel) >= (owed(channel).at(-1) ?? ''));
  await expect.poll(() => sockets.filter((socket) => !reached(socket)).length, { timeout: 30_000 }).toBe(0);
  for (const socket of sockets)
    for (const [channel, positions] of socket.seen) expect(positions).toEqual(owed(channel));
  expect(mishapsOf(sockets)).toEqual({});

  report(9, {
    restarts: restarts.length,
    requests,
    'failed requests': failures.length,
    sockets: sockets.length,
    connections: sockets.reduce((sum, { connections }) => sum + connections, 0),
    'events published': [...channels.values()].flat().length,
  });
});
