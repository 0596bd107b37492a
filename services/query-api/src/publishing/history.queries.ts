/** The history of an article [P13]: every change with who, when and what from and to. For its author and staff. */

import { Problem } from '@annals/contracts/problems';
import { getHistoryEntry, listHistory } from '@annals/contracts/publishing/article.routes';
import { historyKey } from '@annals/contracts/publishing/docs';
import { representation } from '@annals/platform/http/conditional';
import { bind } from '@annals/platform/http/types';
import { joinPerson, personJson } from '../identity/person-json.ts';
import type { ListSource } from '../lists/source.ts';
import { raw, type Sql, sql } from '../lists/sql.ts';
import { defineQueries } from '../queries.ts';
import { articleHistory, articleList, profiles } from '../views.ts';
import { changesUntil } from './article-as-of.ts';
import { requireEditable, standingOf, viewerOf } from './standing.ts';

const views = [articleHistory, profiles, articleList];
const joins = joinPerson(raw('page.by'));
const columns = raw("h.article_id, h.revision, h.doc, h.doc ->> 'by' as by");

/** Follow from the content, and so are no changes of their own. */
const DERIVED = raw("('excerpt', 'readingMinutes')");

/** What a row set, beside what the newest row before it set there. A flag that was never set was false, all else null. */
const changes = sql`(
  select coalesce(json_agg(json_build_object('field', f.key, 'from', was.value, 'to', f.value)), '[]')
  from json_each(page.doc -> 'set') f
  left join lateral (
    select h.doc -> 'set' -> f.key as value from ${articleHistory.table} h
    where h.article_id = page.article_id and h.revision < page.revision and f.key = any (h.fields)
    order by h.revision desc limit 1
  ) was on true
  where f.key not in ${DERIVED} 
    and coalesce(was.value::text, case f.value::text when 'false' then 'false' else 'null' end) <> f.value::text
)`;

const item = sql`json_build_object(
  'revision', page.revision, 'type', page.doc -> 'type', 'at', page.doc -> 'at',
  'by', case when page.by is not null then ${personJson(raw('page.by'))}::json end, 'changes', ${changes}
)::text`;

export const historyQueries = defineQueries((context) => [
  bind(listHistory, (request) => {
    const { id } = request.params;
    return context.answerList(request, historyOf(id), async (reader) => {
      requireEditable(viewerOf(request.caller), await standingOf(reader, id));
    });
  }),
  bind(getHistoryEntry, async (request) => {
    const { id, revision } = request.params;
    const key = historyKey(id, revision);
    const resources = (data?: { readonly entry: string | undefined }) =>
      data?.entry === undefined ? [{ view: articleHistory.name, key }] : changesUntil(id, revision);
    const { data, position } = await context.read(request, { views, resources }, async (reader) => {
      const [standing, [row]] = await Promise.all([
        standingOf(reader, id),
        reader.rows<{ item: string }>(entryOf(key)),
      ]);
      return { standing, entry: row?.item };
    });
    requireEditable(viewerOf(request.caller), data.standing);
    if (data.entry === undefined) throw new Problem('not-found', 'There is no such change.');
    return representation(request, { revision, body: data.entry, position });
  }),
]);

function historyOf(articleId: string): ListSource {
  return {
    views,
    from: sql`${articleHistory.table} h`,
    where: [sql`h.article_id = ${articleId}`],
    key: raw('h.key'),
    sort: { revision: { value: raw('h.revision'), type: 'integer' } },
    defaultOrder: [{ field: 'revision', descending: true }],
    columns,
    weight: raw('octet_length(h.doc::text)'),
    joins,
    item,
  };
}

function entryOf(key: string): Sql {
  return sql`with page as (select ${columns} from ${articleHistory.table} h where h.key = ${key})
    select ${item} as item from page ${joins}`;
}
