/** Logs and views of a size that nobody waits for: written in bulk, past the services that would write them. */
import { fingerprint } from '@annals/platform/consumer/fingerprint';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { type Projection, viewName } from '@annals/platform/consumer/projection';
import { articleCounters } from '@annals/projector/publishing/article-counters.projection';
import { articleList } from '@annals/projector/publishing/article-list.projection';
import type pg from 'pg';
import { withClient } from '../kit/postgres.ts';
import type { ReadSide } from './views.ts';

/**
 * Settings under which what is written into a table that was emptied in the same transaction needs no log of the
 * server's: it is on disk when the transaction ends.
 */
export const bulkSettings = { wal_level: 'minimal', max_wal_senders: '0' } as const;

/** Empties `table` and fills it in one transaction; its keys and indexes are made once, at the end. */
export async function fillTable(
  client: pg.Client,
  table: string,
  fill: () => Promise<unknown>,
): Promise<void> {
  await client.query(`begin; set local maintenance_work_mem = '1GB'; truncate ${table}`);
  const { rows: keys } = await client.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
     where conrelid = '${table}'::regclass and contype in ('p', 'u')`,
  );
  for (const { name } of keys) await client.query(`alter table ${table} drop constraint ${name}`);
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
     where indrelid = '${table}'::regclass`,
  );
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  await fill();
  for (const { name, definition } of keys)
    await client.query(`alter table ${table} add constraint ${name} ${definition}`);
  for (const { definition } of indexes) await client.query(definition);
  await client.query('commit');
}

const ROWS = 2_000;

/**
 * The views of `side` as a replay of its log would leave them, made of those that the projector folded from `small`,
 * a log of the same shape: the articles over and over under ids, titles and times of their own. People keep the number
 * of articles that they have in the small one.
 */
export async function multiplyViews(
  small: ReadSide,
  side: ReadSide,
  projections: readonly Projection[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const registrations = projections.map((projection) => ({
    consumer: viewName(projection),
    fingerprint: fingerprint(projection),
    projection,
  }));
  await createPostgresViewStore({ pool: side.pool }).prepare(registrations, await side.log.head());
  await withClient(side.url, async (client) => {
    for (const projection of projections) {
      const view = `views.${viewName(projection)}`;
      await copyRows(small, client, view);
      const select = projection === articleList ? ARTICLES : 'select row from template';
      await fillTable(client, view, () =>
        client.query(
          `insert into ${view} select made.* from (${select}) source (row),
             lateral json_populate_record(null::${view}, source.row::json) made`,
          projection === articleList ? [from, to] : [],
        ),
      );
      if (projection === articleCounters)
        await client.query(
          `update ${view} set count = count * $1, doc = json_build_object('count', count * $1)`,
          [to / from],
        );
      await client.query('drop table template');
    }
  });
}

/** Rows of a view as JSON, in a table `template` of the connection's own. */
async function copyRows(small: ReadSide, client: pg.Client, view: string): Promise<void> {
  await client.query('create temporary table template (number serial, row text)');
  for (let last = ''; ; ) {
    const { rows } = await small.pool.query<{ key: string; row: string }>(
      `select key, row_to_json(one)::text as row from ${view} one where key > $1 order by key limit ${ROWS}`,
      [last],
    );
    await client.query('insert into template (row) select unnest($1::text[])', [rows.map(({ row }) => row)]);
    last = rows.at(-1)?.key ?? '';
    if (rows.length < ROWS) return;
  }
}

const id = (number: string) => `'0197e2a2-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0')`;
const time = (number: string) =>
  `to_char(timestamp '2020-01-01' + ${number} * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS')`;
/** In JSON, and in JSON within a JSON text. */
const quotes = ['"', '\\"'];

const renamed = quotes
  .flatMap((quote) => [`on-engines-§${quote}`, `, part §${quote}`])
  .reduce(
    (row, text) => {
      const [before, after] = text.split('§');
      return `replace(${row}, '${before}' || old || '${after}', '${before}' || new || '${after}')`;
    },
    `replace(replace(row, ${id('old')}, ${id('new')}), ${time('old')}, ${time('new')})`,
  );

/** Of articles numbered from 1 to `$1`, whose keys follow their numbers, those up to `$2`. */
const ARTICLES = `
  select ${renamed} from generate_series(1, $2::integer) new,
    lateral (select 1 + (new - 1) % $1::integer as old) numbered join template on number = old`;
