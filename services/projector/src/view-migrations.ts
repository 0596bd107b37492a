/** What the views need of the database before they are made: text search, and the record of what was trimmed. */
import { TRIMMED_THROUGH_TABLE } from '@annals/contracts/push/docs';
import type { Migration } from '@annals/platform/postgres/migrate';

/** English words by their stem, accents aside: titles and contents. */
export const TEXT_CONFIGURATION = 'views.annals_text';
/** Words as they are, accents aside: names of people. */
export const NAMES_CONFIGURATION = 'views.annals_names';

export const viewMigrations: readonly Migration[] = [
  {
    id: '0001-text-search',
    sql: `
      create schema if not exists views;
      create extension if not exists pg_trgm with schema public;
      create extension if not exists unaccent with schema public;
      create text search configuration views.annals_text (copy = pg_catalog.english);
      alter text search configuration views.annals_text
        alter mapping for word, hword, hword_part with public.unaccent, pg_catalog.english_stem;
      create text search configuration views.annals_names (copy = pg_catalog.simple);
      alter text search configuration views.annals_names
        alter mapping for word, hword, hword_part with public.unaccent, pg_catalog.simple;
    `,
  },
  {
    id: '0002-trimmed-through',
    sql: `create table views.${TRIMMED_THROUGH_TABLE} (view text primary key, position text not null)`,
  },
  {
    id: '0003-edit-distance',
    sql: 'create extension if not exists fuzzystrmatch with schema public',
  },
];
