import { createSession, endSession, endSessions } from '@annals/contracts/identity/session.routes';
import { disableUser, grantPermission, revokePermission } from '@annals/contracts/identity/user.routes';
import { getArticle, updateArticle } from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeArticle } from '../e2e/articles.ts';
import { Api, after, uniqueName } from '../e2e/client.ts';
import { newPerson, PASSWORD, type Person } from '../e2e/people.ts';
import type { PushClient } from '../e2e/push-client.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import {
  becomes,
  expectClosed,
  expectIn,
  expectNoSocket,
  expectOut,
  OUT_WITHIN_MS,
  openSockets,
  REPLICAS,
} from './doors.ts';
import { type Load, startLoad } from './load.ts';
import { report } from './report.ts';

const NUMBER = 17;
/** People for each way to be put out. */
const PEOPLE = counts(1, 10);
/** How long each batch of the followed view is held up where a replica is to lag: longer than anybody may be let in. */
const LAG_MS = 2 * OUT_WITHIN_MS;

const stack = sharedStack();
let staff: Api;
let load: Load;
/** Someone whose permission every replica has followed long before any lags. */
let early: Awaited<ReturnType<typeof newStaff>>;

beforeAll(async () => {
  staff = new Api(stack.url, stack.serviceToken);
  load = await startLoad({ baseUrl: stack.url, writers: 2 });
});
afterAll(async () => {
  await load.stop();
  await stack.stop();
});

const ways: Readonly<Record<string, (person: Person) => Promise<unknown>>> = {
  'log-out': ({ api }) => api.ok(endSession),
  'log-out everywhere': async ({ username }) => {
    const { body } = await staff.ok(createSession, { body: { login: username, password: PASSWORD } });
    await staff.as(body.accessToken).ok(endSessions);
  },
  disabling: ({ id }) => staff.ok(disableUser, { params: { id } }),
};

/** Puts someone out in one way; gives the milliseconds until no replica let them in, and their sockets were closed. */
async function putOut(way: string): Promise<number> {
  const person = await newPerson(stack.url, 'leaver');
  const token = person.api.token ?? '';
  await expectIn(stack, token);
  const sockets = await openSockets(stack, token);
  await ways[way]?.(person);
  const times = await Promise.all([expectOut(stack, token), expectClosed(sockets)]);
  await expectNoSocket(stack, token);
  return Math.max(...times);
}

async function slowest(way: string, people: number): Promise<string> {
  const times: number[] = [];
  for (let n = 0; n < people; n++) times.push(await putOut(way));
  return `${Math.round(Math.max(...times))} ms`;
}

/** Someone with `staff`, who follows a stranger's draft at both replicas of the notifier. */
async function newStaff() {
  const [author, person] = [await newPerson(stack.url, 'author'), await newPerson(stack.url, 'staff')];
  const { id: draft, last } = await writeArticle(author);
  await author.api.ok(getArticle, { params: { idOrSlug: draft }, ...after(last) });
  const params = { id: person.id, permission: 'staff' };
  await staff.ok(grantPermission, { params });
  const sockets = await openSockets(stack, person.api.token ?? '');
  const channel = `article:${draft}`;
  for (const socket of sockets) expect(await follow(socket, channel)).toBe('subscribed');
  const edit = () =>
    author.api.ok(updateArticle, { params: { id: draft }, body: { tags: [uniqueName('t')] } });
  return { author, person, draft, channel, sockets, edit, params };
}

async function follow(socket: PushClient, channel: string): Promise<string> {
  return (await socket.request({ id: 2, type: 'subscribe', channel })).type;
}

/** Revokes `staff`; gives the milliseconds until nothing of it was left at any replica. */
async function revokeStaff(member: typeof early): Promise<number> {
  const { author, person, draft, channel, sockets, edit, params } = member;
  await edit();
  for (const socket of sockets) await socket.until((message) => message.type === 'event');
  const authors = await openSockets(stack, author.api.token ?? '');
  for (const socket of authors) expect(await follow(socket, channel)).toBe('subscribed');

  await staff.ok(revokePermission, { params });
  const startedAt = performance.now();
  const known = sockets.map((socket) => socket.events(channel).length);
  await edit();
  // The author gets the change, so it has gone out; whoever was staff must not.
  for (const socket of authors) await socket.until((message) => message.type === 'event');
  for (const socket of sockets)
    await socket.until((message) => message.type === 'error' && message.channel === channel);
  expect(sockets.map((socket) => socket.events(channel).length)).toEqual(known);

  const api = (service: 'command-api' | 'query-api', replica: number) =>
    new Api(stack.mainUrl(service, replica), person.api.token);
  const times = REPLICAS.flatMap((replica) => [
    becomes(`query-api ${replica}`, 404, startedAt, async () => {
      const answer = await api('query-api', replica).call(getArticle, { params: { idOrSlug: draft } });
      return answer.status;
    }),
    becomes(`command-api ${replica}`, 403, startedAt, async () => {
      const to = { id: author.id, permission: 'can_publish' };
      return (await api('command-api', replica).call(grantPermission, { params: to })).status;
    }),
  ]);
  const slowestMs = Math.max(...(await Promise.all(times)));
  for (const socket of [...sockets, ...authors]) await socket.close();
  return slowestMs;
}

it('a revoked session or permission is out everywhere within a second or so', async () => {
  early = await newStaff();
  for (const way of Object.keys(ways)) report(NUMBER, { [way]: await slowest(way, PEOPLE) });
  let slowestMs = 0;
  for (let n = 0; n < PEOPLE; n++) slowestMs = Math.max(slowestMs, await revokeStaff(await newStaff()));
  report(NUMBER, { 'each of': PEOPLE, 'permission revoked': `${Math.round(slowestMs)} ms` });
});

it('a granted permission is never refused, be a replica a little behind', async () => {
  const author = await newPerson(stack.url, 'author');
  const { id: draft, last } = await writeArticle(author);
  await author.api.ok(getArticle, { params: { idOrSlug: draft }, ...after(last) });
  const faults = (['command-api', 'query-api'] as const).map((service) =>
    stack.faults.arm({ service, replica: 1, point: 'following', action: { delayMs: 600 }, isLasting: true }),
  );
  await Promise.all(faults.map((fault) => fault.fired()));
  for (let n = 0; n < 3 * PEOPLE; n++) {
    const person = await newPerson(stack.url, 'new-staff');
    await staff.ok(grantPermission, { params: { id: person.id, permission: 'staff' } });
    const answers = REPLICAS.flatMap((replica) => {
      const at = (service: 'command-api' | 'query-api') =>
        new Api(stack.mainUrl(service, replica), person.api.token);
      return [
        at('query-api').ok(getArticle, { params: { idOrSlug: draft } }),
        at('command-api').ok(grantPermission, { params: { id: author.id, permission: 'can_publish' } }),
      ];
    });
    await Promise.all(answers);
  }
  for (const fault of faults) fault.disarm();
});

it('a replica that lags behind asks, and never waves anyone through', async () => {
  const lagging = [
    { service: 'command-api', replica: 2 },
    // The one that the notifiers ask about channels.
    { service: 'query-api', replica: 1 },
    { service: 'notifier', replica: 2 },
  ] as const;
  const faults = lagging.map((one) =>
    stack.faults.arm({ ...one, point: 'following', action: { delayMs: LAG_MS }, isLasting: true }),
  );
  await Promise.all(faults.map((fault) => fault.fired()));
  for (const way of Object.keys(ways)) report(NUMBER, { [`${way}, lagging`]: await slowest(way, 1) });
  report(NUMBER, { 'permission revoked, lagging': `${Math.round(await revokeStaff(early))} ms` });
  for (const fault of faults) fault.disarm();
});
