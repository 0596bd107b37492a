/** People [I7], and the own account [I1]. */
import { type AccountDoc, accountsView, type ProfileDoc, toProfile } from '@annals/contracts/identity/docs';
import { getMe, getUser, listUsers } from '@annals/contracts/identity/user.routes';
import type { FilterClause, ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import { representation } from '@annals/platform/http/conditional';
import { bind } from '@annals/platform/http/types';
import type { ListSource } from '../lists/source.ts';
import { any, containing, raw, type Sql, sql } from '../lists/sql.ts';
import { defineQueries, type Reader } from '../queries.ts';
import { defineView, profileDocuments, profiles } from '../views.ts';
import { isId } from './person-json.ts';
import { signedIn } from './signed-in.ts';

const accounts = defineView(accountsView);

export const userQueries = defineQueries((context) => [
  bind(listUsers, (request) => context.answerList(request, people(request.query))),

  bind(getUser, async (request) => {
    const wanted = request.params.idOrUsername.toLowerCase();
    const resources = (found: ProfileDoc | undefined) => {
      const key = found?.id ?? (isId(wanted) ? wanted : undefined);
      return key === undefined ? [] : [{ view: profileDocuments.name, key }];
    };
    const { data, position } = await context.read<ProfileDoc | undefined>(
      request,
      { views: [profileDocuments], resources, isQuick: true },
      (reader) => findProfile(reader, wanted),
    );
    if (!data) throw new Problem('not-found', 'There is no such person.');
    const body = toProfile(data);
    return representation(request, { revision: data.revision, body, position, isPersonal: false });
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

async function findProfile({ documents }: Reader, idOrUsername: string): Promise<ProfileDoc | undefined> {
  if (isId(idOrUsername)) {
    return (await documents.findByIds<ProfileDoc>(profileDocuments.name, [idOrUsername])).get(idOrUsername);
  }
  return (await documents.findBy<ProfileDoc>(profileDocuments.name, 'usernameLower', idOrUsername))?.doc;
}

/** All who are not erased, the newest first. */
function people({ filters }: ListRequest): ListSource {
  return {
    views: [profiles],
    from: sql`${profiles.table} p`,
    where: [raw("p.username_lower <> ''"), ...filters.map(byUsername)],
    key: raw('p.key'),
    sort: {
      joinedAt: { value: raw('p.joined_at'), type: 'timestamptz' },
      username: { value: raw('p.username_lower collate "C"'), type: 'text' },
      articleCount: { value: raw('p.article_count'), type: 'integer' },
    },
    defaultOrder: [{ field: 'joinedAt', descending: true }],
    columns: raw('p.part'),
    item: raw('page.part'),
  };
}

function byUsername({ operator, values }: FilterClause): Sql {
  const lower = values.map((value) => value.toLowerCase());
  if (operator === 'contains')
    return any(lower.map((value) => sql`p.username_lower like ${containing(value)}`));
  return sql`p.username_lower collate "C" = any (${lower}::text[])`;
}
