/** People in SQL: joined from their profiles at read. */
import { unknownPerson } from '@annals/contracts/identity/docs';
import { raw, type Sql, sql } from '../lists/sql.ts';
import { profiles } from '../views.ts';

/** What {@link personJson} reads: `person` is the profile of whoever `id` names, where it is there. */
export function joinPerson(id: Sql): Sql {
  return sql`left join ${profiles.table} person on person.key = ${id}`;
}

const unknown = JSON.stringify(unknownPerson('')).replace('""', "' || to_json(§)::text || '");
const [beforeId = '', afterId = ''] = `'${unknown}'`.split('§');

/** The summary of the joined person as JSON text. Outer: a person not projected yet has nothing but the id. */
export function personJson(id: Sql): Sql {
  return sql`coalesce(person.summary, ${raw(beforeId)}${id}${raw(afterId)})`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for what can only be an id: usernames and slugs never look like one. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/** Holds for the people that `names` means, ids or usernames. A single one is compared as such: an index serves that best. */
export function isOneOf(id: Sql, names: readonly string[]): Sql {
  const [name] = names;
  if (name === undefined || names.length > 1) return sql`${id} = any (${idsOfPeople(names)})`;
  return sql`${id} = ${idOfPerson(name)}`;
}

/** Keys compare bytewise; compared as such with a column that does not, no index would serve. */
const KEY_AS_TEXT = raw('key collate "default"');

/** The id of a person named by id or by username; null where there is none. */
export function idOfPerson(name: string): Sql {
  const lower = name.toLowerCase();
  return isId(lower)
    ? sql`${lower}`
    : sql`(select ${KEY_AS_TEXT} from ${profiles.table} where username_lower collate "C" = ${lower} limit 1)`;
}

/** The ids of people named by id or by username, as an SQL array. */
function idsOfPeople(names: readonly string[]): Sql {
  const lower = names.map((name) => name.toLowerCase());
  const ids = lower.filter(isId);
  const usernames = lower.filter((name) => !isId(name));
  if (usernames.length === 0) return sql`${ids}::text[]`;
  return sql`(${ids}::text[] || array(select ${KEY_AS_TEXT} from ${profiles.table} where username_lower collate "C" = any (${usernames}::text[])))`;
}
