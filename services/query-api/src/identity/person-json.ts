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

/** The ids of people named by id or by username, as an SQL array. */
export function idsOfPeople(names: readonly string[]): Sql {
  const lower = names.map((name) => name.toLowerCase());
  const ids = lower.filter(isId);
  const usernames = lower.filter((name) => !isId(name));
  if (usernames.length === 0) return sql`${ids}::text[]`;
  return sql`(${ids}::text[] || array(select key from ${profiles.table} where username_lower = any (${usernames}::text[])))`;
}
