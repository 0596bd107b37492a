/** People [I7], and the own account [I1]. */
import {
  type AccountDoc,
  accountsView,
  followKey,
  type ProfileDoc,
  toProfile,
} from '@annals/contracts/identity/docs';
import { getMe, getUser, listUsers } from '@annals/contracts/identity/user.routes';
import type { FilterClause, ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import { representation } from '@annals/platform/http/conditional';
import { bind, type Caller } from '@annals/platform/http/types';
import type { ListSource } from '../lists/source.ts';
import { any, containing, raw, type Sql, sql } from '../lists/sql.ts';
import { defineQueries, type Reader } from '../queries.ts';
import { defineView, follows, profileDocuments, profiles } from '../views.ts';
import { isId } from './person-json.ts';
import { signedIn } from './signed-in.ts';

const accounts = defineView(accountsView);

export const userQueries = defineQueries((context) => [
  bind(listUsers, (request) => context.answerList(request, people(request.query, userIdOf(request.caller)))),

  bind(getUser, async (request) => {
    const wanted = request.params.idOrUsername.toLowerCase();
    const reading = userIdOf(request.caller);
    const resources = (found: FoundProfile | undefined) => {
      const key = found?.profile.id ?? (isId(wanted) ? wanted : undefined);
      return key === undefined ? [] : [{ view: profileDocuments.name, key }];
    };
    const views = reading === null ? [profileDocuments] : [profileDocuments, follows];
    const { data, position, basis } = await context.read<FoundProfile | undefined>(
      request,
      { views, resources, isQuick: true },
      (reader) => findFor(reader, wanted, reading),
    );
    if (!data) throw new Problem('not-found', 'There is no such person.');
    const { profile, isFollowing } = data;
    const body = { ...toProfile(profile), ...(isFollowing === null ? {} : { isFollowing }) };
    return representation(request, { revision: profile.revision, body, position, basis });
  }),

  bind(getMe, async (request) => {
    const id = signedIn(request.caller);
    const resources = () => [profileDocuments, accounts].map(({ name }) => ({ view: name, key: id }));
    const { data, position } = await context.read(
      request,
      { views: [profileDocuments, accounts], resources, isQuick: true },
      async ({ documents }) => {
        const [found, own] = await Promise.all([
          documents.findByIds<ProfileDoc>(profileDocuments.name, [id]),
          documents.findByIds<AccountDoc>(accounts.name, [id]),
        ]);
        return { profile: found.get(id), account: own.get(id) };
      },
    );
    const { profile, account } = data;
    if (!profile || !account) throw new Problem('not-found', 'The account is not there.');
    const body = { ...toProfile(profile), ...account };
    return representation(request, { revision: account.revision, body, position });
  }),
]);

/** A profile, and whether the reader follows that person; null for readers who are not signed in. */
interface FoundProfile {
  readonly profile: ProfileDoc;
  readonly isFollowing: boolean | null;
}

async function findFor(
  reader: Reader,
  idOrUsername: string,
  readerId: string | null,
): Promise<FoundProfile | undefined> {
  const profile = await findProfile(reader, idOrUsername);
  if (!profile || readerId === null) return profile && { profile, isFollowing: null };
  const key = followKey({ followerId: readerId, userId: profile.id });
  const found = await reader.rows(sql`select from ${follows.table} where key = ${key}`);
  return { profile, isFollowing: found.length > 0 };
}

function userIdOf(caller: Caller): string | null {
  return caller.kind === 'user' ? caller.userId : null;
}

async function findProfile({ documents }: Reader, idOrUsername: string): Promise<ProfileDoc | undefined> {
  if (isId(idOrUsername)) {
    return (await documents.findByIds<ProfileDoc>(profileDocuments.name, [idOrUsername])).get(idOrUsername);
  }
  return (await documents.findBy<ProfileDoc>(profileDocuments.name, 'usernameLower', idOrUsername))?.doc;
}

/** All who are not erased, the newest first. */
function people({ filters }: ListRequest, readerId: string | null): ListSource {
  return {
    views: readerId === null ? [profiles] : [profiles, follows],
    from: sql`${profiles.table} p`,
    where: [raw("p.username_lower <> ''"), ...filters.map(byUsername)],
    key: raw('p.key'),
    sort: {
      joinedAt: { value: raw('p.joined_at'), type: 'timestamptz' },
      username: { value: raw('p.username_lower collate "C"'), type: 'text' },
      articleCount: { value: raw('p.article_count'), type: 'integer' },
      followerCount: { value: raw('p.follower_count'), type: 'integer' },
    },
    defaultOrder: [{ field: 'joinedAt', descending: true }],
    columns: raw('p.part, p.key as id'),
    item: readerId === null ? raw('page.part') : partFor(readerId),
  };
}

/** The profile's JSON with whether the reader follows that person. */
function partFor(readerId: string): Sql {
  const isFollowing = sql`exists (select from ${follows.table} f where f.key = ${followKey({ followerId: readerId, userId: '' })} || page.id)`;
  return sql`left(page.part, -1) || ',"isFollowing":' || (${isFollowing})::text || '}'`;
}

function byUsername({ operator, values }: FilterClause): Sql {
  const lower = values.map((value) => value.toLowerCase());
  if (operator === 'contains')
    return any(lower.map((value) => sql`p.username_lower like ${containing(value)}`));
  return sql`p.username_lower collate "C" = any (${lower}::text[])`;
}
