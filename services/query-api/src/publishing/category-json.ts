/** Categories in SQL: joined from their view at read. */
import { unknownCategory } from '@annals/contracts/publishing/category.docs';
import { isId } from '../identity/person-json.ts';
import { raw, type Sql, sql } from '../lists/sql.ts';
import { categories } from '../views.ts';

/** What {@link categoryJson} reads: `category` is the category that `id` names, where it is there. */
export function joinCategory(id: Sql): Sql {
  return sql`left join ${categories.table} category on category.key = ${id}`;
}

const unknown = JSON.stringify(unknownCategory('')).replace('""', "' || to_json(§)::text || '");
const [beforeId = '', afterId = ''] = `'${unknown}'`.split('§');

/** The summary of the joined category as JSON text; `null` where `id` is null. */
export function categoryJson(id: Sql): Sql {
  return sql`coalesce(category.summary, ${raw(beforeId)}${id}${raw(afterId)}, 'null')`;
}

/** The id of a category named by id or by slug; null where there is none. */
export function idOfCategory(name: string): Sql {
  const lower = name.toLowerCase();
  if (isId(lower)) return sql`${lower}`;
  return sql`(select key collate "default" from ${categories.table} where slug collate "C" = ${lower} limit 1)`;
}

/** Holds for the categories that `names` means, ids or slugs. */
export function isInOneOf(id: Sql, names: readonly string[]): Sql {
  const [name] = names;
  if (name !== undefined && names.length === 1) return sql`${id} = ${idOfCategory(name)}`;
  const lower = names.map((value) => value.toLowerCase());
  const slugs = lower.filter((value) => !isId(value));
  return sql`${id} = any (${lower.filter(isId)}::text[] || array(
    select key collate "default" from ${categories.table} where slug collate "C" = any (${slugs}::text[])))`;
}
