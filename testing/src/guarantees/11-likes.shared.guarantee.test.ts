import {
  getArticle,
  likeArticle,
  listArticles,
  listLikers,
  listMyArticles,
  unlikeArticle,
} from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeArticle } from '../e2e/articles.ts';
import { Api, uniqueName } from '../e2e/client.ts';
import { newPerson, type Person } from '../e2e/people.ts';
import type { Point } from '../faults/plan.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { decided } from './decided.ts';
import { crashesByPoint, report } from './report.ts';

const NUMBER = 11;
const READERS = counts(15, 100);
const ARTICLES = 3;
/** Likes and unlikes of each reader. */
const STEPS = counts(6, 30);
const CRASHES = counts(3, 15);
const POINTS: readonly Point[] = ['read', 'written', 'committed'];
const PAGE_SIZE = 100;

const stack = sharedStack();
let author: Person;
let articles: readonly string[];
let readers: readonly Person[];
let commands = 0;

beforeAll(async () => {
  author = await newPerson(stack.url, 'author');
  const written = Array.from({ length: ARTICLES }, () => writeArticle(author, { publish: true }));
  articles = (await Promise.all(written)).map(({ id }) => id);
  const people: Person[] = [];
  for (let n = 0; n < READERS; n++) people.push(await newPerson(stack.url, uniqueName('r')));
  readers = people;
});
afterAll(() => stack.stop());

const anyReplica = () => stack.mainUrl('command-api', Math.random() < 0.5 ? 1 : 2);

/** Likes and unlikes one after the other, now and then twice at once; gives what the reader likes in the end. */
async function read({ api: { token } }: Person): Promise<{ liked: Set<string>; last: string }> {
  const liked = new Set<string>();
  let last = '';
  for (let step = 0; step < STEPS; step++) {
    const id = articles[Math.floor(Math.random() * articles.length)] ?? '';
    const isLike = Math.random() < 0.6;
    const command = { route: isLike ? likeArticle : unlikeArticle, token, options: { params: { id } } };
    const answers = await Promise.all(
      Array.from({ length: Math.random() < 0.3 ? 2 : 1 }, () => decided(anyReplica(), command)),
    );
    commands += answers.length;
    for (const { outcome, headers } of answers) {
      expect(outcome).toBe('done');
      const position = headers.get('annals-position') ?? '';
      if (position > last) last = position;
    }
    if (isLike) liked.add(id);
    else liked.delete(id);
  }
  return { liked, last };
}

async function crashProjector(): Promise<void> {
  for (let crash = 0; crash < CRASHES; crash++) {
    const point = POINTS[crash % POINTS.length] ?? 'read';
    await stack.faults.arm({ service: 'projector', point, action: 'kill' }).fired(120_000);
  }
}

/** Everything that tells of likes, from one replica of query-api. */
async function told(api: Api, last: string) {
  const fresh = { headers: { 'annals-min-position': last, prefer: 'wait=10' } };
  const ok = (...[route, options]: Parameters<Api['call']>) =>
    expect
      .poll(() => api.call(route, { ...options, ...fresh }), { timeout: 60_000 })
      .toMatchObject({ status: 200 })
      .then(() => api.ok(route, { ...options, ...fresh }));
  const inLists = await Promise.all(
    [listArticles, listMyArticles].map((route) => ok(route, { query: { pageSize: PAGE_SIZE } })),
  );
  const countIn = (list: (typeof inLists)[number] | undefined, id: string): number =>
    list?.body.results.find((article: { id: string }) => article.id === id)?.likeCount;
  return Promise.all(
    articles.map(async (id) => {
      const detail = await ok(getArticle, { params: { idOrSlug: id } });
      const likers: string[] = [];
      let count = 0;
      for (let page = 1; page === 1 || likers.length < count; page++) {
        const { body } = await ok(listLikers, { params: { id }, query: { page, pageSize: PAGE_SIZE } });
        if (body.results.length === 0) break;
        likers.push(...body.results.map((person: { id: string }) => person.id));
        ({ count } = body);
      }
      const [listed, mine] = inLists.map((list) => countIn(list, id));
      return { detail: detail.body.likeCount, listed, mine, count, likers: likers.sort() };
    }),
  );
}

it('likes by N readers at once: the exact count, everywhere', async () => {
  const [ends] = await Promise.all([Promise.all(readers.map(read)), crashProjector()]);
  const last =
    ends
      .map((end) => end.last)
      .sort()
      .at(-1) ?? '';
  const expected = articles.map((id) => {
    const likers = readers.flatMap((reader, at) => (ends[at]?.liked.has(id) ? reader.id : [])).sort();
    const { length } = likers;
    return { detail: length, listed: length, mine: length, count: length, likers };
  });
  for (const replica of [1, 2]) {
    const api = new Api(stack.mainUrl('query-api', replica), author.api.token);
    expect(await told(api, last)).toEqual(expected);
  }
  report(NUMBER, { readers: READERS, commands, ...crashesByPoint(stack.faults.fired()) });
});
