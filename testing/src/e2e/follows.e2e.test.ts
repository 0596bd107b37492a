import {
  followUser,
  listFollowers,
  listFollowing,
  unfollowUser,
} from '@annals/contracts/identity/follow.routes';
import { getUser, listUsers } from '@annals/contracts/identity/user.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ids } from './articles.ts';
import { type Answer, Api, after } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
const nobody = '01990000-0000-7000-8000-0000000000ff';
let ada: Person;
let grace: Person;
let edith: Person;

beforeAll(async () => {
  [ada, grace, edith] = (await Promise.all(
    ['ada', 'grace', 'edith'].map((name) => newPerson(url, name)),
  )) as [Person, Person, Person];
});

const newest = (answers: readonly Answer[]) => answers.reduce((a, b) => (position(a) > position(b) ? a : b));
const position = ({ headers }: Answer) => headers.get('annals-position') ?? '';
const profileOf = (api: Api, { id }: Person, last: Answer) =>
  api.ok(getUser, { params: { idOrUsername: id }, ...after(last) });

describe('following', () => {
  test('I7 counts once however often it is done at once, in lists and profiles of both', async () => {
    const follow = ({ api }: Person) => api.ok(followUser, { params: { id: ada.id } });
    const last = newest(await Promise.all([grace, grace, grace, edith, edith].map(follow)));
    expect(last.body).toEqual({ id: ada.id });
    const followers = await anonymous.ok(listFollowers, { params: { id: ada.id }, ...after(last) });
    expect([ids(followers).sort(), followers.body.count]).toEqual([[grace.id, edith.id].sort(), 2]);
    const following = await anonymous.ok(listFollowing, { params: { id: grace.id }, ...after(last) });
    expect([ids(following), following.body.count]).toEqual([[ada.id], 1]);
    expect((await profileOf(grace.api, ada, last)).body).toMatchObject({
      followerCount: 2,
      isFollowing: true,
    });
    expect((await profileOf(ada.api, grace, last)).body).toMatchObject({
      followingCount: 1,
      isFollowing: false,
    });
    expect((await profileOf(anonymous, ada, last)).body).not.toHaveProperty('isFollowing');
    const listed = await grace.api.ok(listUsers, { query: { username: ada.username }, ...after(last) });
    expect(listed.body.results).toMatchObject([{ id: ada.id, followerCount: 2, isFollowing: true }]);
  });

  test('I7 ends once', async () => {
    await edith.api.ok(followUser, { params: { id: grace.id } });
    const ended = await edith.api.ok(unfollowUser, { params: { id: grace.id } });
    const again = await edith.api.ok(unfollowUser, { params: { id: grace.id } });
    expect(position(again)).toBe(position(ended));
    expect((await profileOf(edith.api, grace, ended)).body).toMatchObject({
      followerCount: 0,
      isFollowing: false,
    });
    expect(ids(await anonymous.ok(listFollowers, { params: { id: grace.id }, ...after(ended) }))).toEqual([]);
  });

  test('I7 is of other people who are there, by people', async () => {
    const own = await ada.api.call(followUser, { params: { id: ada.id } });
    expect([own.status, own.body.code]).toEqual([422, 'validation-failed']);
    expect((await ada.api.call(followUser, { params: { id: nobody } })).status).toBe(404);
    expect((await ada.api.call(unfollowUser, { params: { id: nobody } })).status).toBe(404);
    expect((await anonymous.call(followUser, { params: { id: ada.id } })).status).toBe(401);
    expect((await anonymous.call(listFollowers, { params: { id: nobody } })).status).toBe(404);
    expect((await anonymous.call(listFollowing, { params: { id: nobody } })).status).toBe(404);
  });
});
