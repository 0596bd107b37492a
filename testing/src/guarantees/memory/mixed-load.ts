/** A bit of everything, by the same few people about the same few articles: what grows by it grows for no reason. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSession } from '@annals/contracts/identity/session.routes';
import { getMe, getUser } from '@annals/contracts/identity/user.routes';
import {
  createArticle,
  getArticle,
  likeArticle,
  listArticles,
  listHistory,
  publishArticle,
  unlikeArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment, listComments } from '@annals/contracts/publishing/comment.routes';
import { PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { WebSocket } from 'ws';
import { type Answer, Api, after, uniqueName } from '../../e2e/client.ts';
import { newPerson, PASSWORD, type Person } from '../../e2e/people.ts';

export interface MixedLoad {
  /** Works for so long; gives how many things were done, and how many of them failed, as may be on a busy machine. */
  work(milliseconds: number): Promise<{ readonly done: number; readonly failed: number }>;
  /** Resolves once the views show all that was written. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const ARTICLES = 8;
const WORKERS = 10;
/** Access tokens live for 15 minutes. */
const LOG_IN_EVERY_MS = 5 * 60_000;

export async function createMixedLoad(url: string): Promise<MixedLoad> {
  const people = [await newPerson(url, 'author'), await newPerson(url, 'reader')];
  const [author, reader] = people as [Person, Person];
  const apis = new Map(people.map((person) => [person, person.api]));
  const as = (person: Person): Api => apis.get(person) ?? person.api;
  const ids: string[] = [];
  for (let n = 0; n < ARTICLES; n++) {
    const body = { title: `About ${uniqueName('memory')}`, content: '<p>Words to be found.</p>' };
    const { id } = (await author.api.ok(createArticle, { body })).body;
    await author.api.ok(publishArticle, { params: { id } });
    ids.push(id);
  }
  const listener = await follow(url, 'articles');
  let [done, failed] = [0, 0];
  let newest: Answer | undefined;

  const logIn = async (person: Person): Promise<void> => {
    const body = { login: person.username, password: PASSWORD };
    const { accessToken } = (await new Api(url).ok(createSession, { body })).body;
    apis.set(person, person.api.as(accessToken));
  };
  const deeds: readonly ((id: string) => Promise<unknown>)[] = [
    async (id) => {
      newest = await as(author).ok(updateArticle, { params: { id }, body: { tags: [`t${done}`] } });
    },
    (id) => as(reader).ok(likeArticle, { params: { id } }),
    (id) => as(reader).ok(unlikeArticle, { params: { id } }),
    (id) => as(reader).ok(addComment, { params: { id }, body: { content: `Comment ${done}` } }),
    (id) => as(reader).ok(getArticle, { params: { idOrSlug: id } }),
    (id) => as(author).ok(listHistory, { params: { id }, query: { pageSize: 5 } }),
    (id) => as(reader).ok(listComments, { params: { id } }),
    () => as(author).ok(listArticles, { query: { author: author.username } }),
    () => as(author).ok(listArticles, { query: { search: 'words' } }),
    () => as(author).ok(getMe),
    () => as(reader).ok(getUser, { params: { idOrUsername: author.id } }),
    // A mistake, and an article that is not there.
    () => as(reader).call(listArticles, { query: { page: 'first' } }),
    () => as(reader).call(getArticle, { params: { idOrSlug: uniqueName('nowhere') } }),
    (id) => visit(url, id),
  ];

  return {
    async work(milliseconds) {
      const startedAt = performance.now();
      [done, failed] = [0, 0];
      const count = () => {
        failed += 1;
      };
      let loggedInAt = startedAt;
      const worker = async (): Promise<void> => {
        while (performance.now() < startedAt + milliseconds) {
          const deed = deeds[done % deeds.length];
          const id = ids[Math.floor(done / deeds.length) % ids.length] ?? '';
          done += 1;
          await deed?.(id).catch(count);
          if (done % 300 === 0 || performance.now() > loggedInAt + LOG_IN_EVERY_MS) {
            loggedInAt = performance.now();
            for (const person of people) await logIn(person).catch(count);
          }
        }
      };
      await Promise.all(Array.from({ length: WORKERS }, worker));
      return { done, failed };
    },
    async settle() {
      if (newest) await as(author).ok(listArticles, after(newest));
      await sleep(500);
    },
    close: () => leave(listener),
  };
}

async function follow(url: string, channel: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/push`, PUSH_SUBPROTOCOL);
  await once(socket, 'open');
  socket.send(JSON.stringify({ id: 1, type: 'subscribe', channel }));
  await once(socket, 'message');
  return socket;
}

async function leave(socket: WebSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}

async function visit(url: string, articleId: string): Promise<void> {
  await leave(await follow(url, `article:${articleId}`));
}
