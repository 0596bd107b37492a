/** Categories and tags, with how many published articles each has [P11]. */
import type { ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import { getCategory, listCategories, listTags } from '@annals/contracts/publishing/category.routes';
import { counterKeys, foldTitle } from '@annals/contracts/publishing/docs';
import { representation } from '@annals/platform/http/conditional';
import { bind } from '@annals/platform/http/types';
import type { ViewKey } from '@annals/platform/read-store/documents';
import type { ListSource } from '../lists/source.ts';
import { any, containing, raw, type Sql, sql } from '../lists/sql.ts';
import { defineQueries, type Reader } from '../queries.ts';
import { articleCounters, categories } from '../views.ts';
import { idOfCategory } from './category-json.ts';

const views = [categories, articleCounters];
const columns = raw('c.key, c.part');
const joins = sql`left join ${articleCounters.table} counter
  on counter.key = ${counterKeys.category('')} || page.key`;
const item = raw(`page.part || ',"articleCount":' || coalesce(counter.count, 0) || '}'`);

export const categoryQueries = defineQueries((context) => [
  bind(listCategories, (request) => context.answerList(request, allCategories(request.query))),

  bind(getCategory, async (request) => {
    const { idOrSlug } = request.params;
    const resources = (found?: Found | null) => resourcesOf(found?.id ?? idOrSlug);
    const {
      data: category,
      position,
      basis,
    } = await context.read(request, { views, resources, isQuick: true }, (reader) =>
      findCategory(reader, idOrSlug),
    );
    if (!category) throw new Problem('not-found', 'There is no such category.');
    const { revision, item: body } = category;
    return representation(request, { revision, body, position, basis, isPersonal: false });
  }),

  bind(listTags, (request) => context.answerList(request, allTags(request.query))),
]);

interface Found {
  readonly id: string;
  readonly item: string;
  readonly revision: number;
}

async function findCategory(reader: Reader, idOrSlug: string): Promise<Found | null> {
  const [found] = await reader.rows<Found>(
    sql`with page as (
        select ${columns}, (c.doc ->> 'revision')::integer as revision
        from ${categories.table} c where c.key = ${idOfCategory(idOrSlug)}
      ) select page.key as id, ${item} as item, page.revision from page ${joins}`,
  );
  return found ?? null;
}

/** The documents that an answer is made of. Of what is not found by its slug nobody knows the key. */
function resourcesOf(id: string): readonly ViewKey[] {
  return [
    { view: categories.name, key: id },
    { view: articleCounters.name, key: counterKeys.category(id) },
  ];
}

function allCategories({ filters }: ListRequest): ListSource {
  return {
    views,
    from: sql`${categories.table} c`,
    where: filters.map(({ field, values }) => any(values.map(field === 'name' ? isNamedLike : isRetired))),
    key: raw('c.key'),
    sort: {
      name: { value: raw('c.name_folded collate "C"'), type: 'text' },
      createdAt: { value: raw('c.created_at'), type: 'timestamptz' },
    },
    defaultOrder: [{ field: 'name', descending: false }],
    columns,
    joins,
    item,
  };
}

function isNamedLike(text: string): Sql {
  return sql`c.name_folded like ${containing(foldTitle(text))}`;
}

function isRetired(value: string): Sql {
  return raw(value === 'true' ? 'c.is_retired' : 'not c.is_retired');
}

function allTags({ filters }: ListRequest): ListSource {
  return {
    views: [articleCounters],
    from: sql`${articleCounters.table} c`,
    where: [
      raw("c.kind = 'tag'"),
      ...filters.map(({ operator, values }) =>
        operator === 'contains'
          ? any(values.map((value) => sql`c.name like ${containing(value)}`))
          : sql`c.name collate "C" = any (${values}::text[])`,
      ),
    ],
    key: raw('c.key'),
    sort: {
      articleCount: { value: raw('c.count'), type: 'integer' },
      name: { value: raw('c.name collate "C"'), type: 'text' },
    },
    defaultOrder: [{ field: 'articleCount', descending: true }],
    columns: raw('c.name, c.count'),
    item: raw("json_build_object('name', page.name, 'articleCount', page.count)::text"),
  };
}
