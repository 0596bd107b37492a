/** Who follows whom [I7]. */
import { listFollowers, listFollowing } from '@annals/contracts/identity/follow.routes';
import { Problem } from '@annals/contracts/problems';
import { bind } from '@annals/platform/http/types';
import type { ListSource } from '../lists/source.ts';
import { raw, sql } from '../lists/sql.ts';
import { defineQueries, type Reader } from '../queries.ts';
import { follows, profiles } from '../views.ts';
import { joinPerson, personJson } from './person-json.ts';

export const followQueries = defineQueries((context) => [
  bind(listFollowers, (request) => {
    const { id } = request.params;
    return context.answerList(request, listed(id, 'user_id', 'follower_id', 'follower_count'), (reader) =>
      requirePerson(reader, id),
    );
  }),
  bind(listFollowing, (request) => {
    const { id } = request.params;
    return context.answerList(request, listed(id, 'follower_id', 'user_id', 'following_count'), (reader) =>
      requirePerson(reader, id),
    );
  }),
]);

/** The people in column `other` of the followings whose column `own` is `id`. */
function listed(
  id: string,
  own: 'user_id' | 'follower_id',
  other: 'user_id' | 'follower_id',
  counter: 'follower_count' | 'following_count',
): ListSource {
  return {
    views: [follows, profiles],
    from: sql`${follows.table} f`,
    where: [sql`f.${raw(own)} = ${id}`],
    key: raw('f.key'),
    sort: { followedAt: { value: raw('f.followed_at'), type: 'timestamptz' } },
    defaultOrder: [{ field: 'followedAt', descending: true }],
    columns: raw(`f.${other} as person_id`),
    joins: joinPerson(raw('page.person_id')),
    item: personJson(raw('page.person_id')),
    count: sql`select p.${raw(counter)} from ${profiles.table} p where p.key = ${id}`,
    isIndexed: true,
  };
}

async function requirePerson(reader: Reader, id: string): Promise<void> {
  const found = await reader.rows(sql`select from ${profiles.table} where key = ${id}`);
  if (found.length === 0) throw new Problem('not-found', 'There is no such person.');
}
