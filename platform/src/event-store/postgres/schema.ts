import type { Migration } from '../../postgres/migrate.ts';

/** The channel on which every committed batch of appends is announced; its payload is the head's number. */
export const CHANNEL = 'event_store';

/**
 * `log` holds one row: the log's id and the number of its last event. Whoever appends locks that row first, so
 * positions have no gaps and become visible in their order. Data and metadata are text: the server has no need to
 * look inside, and text is read fastest.
 */
export const migrations: readonly Migration[] = [
  {
    id: '0001-log',
    sql: `
      create schema if not exists event_store;
      create table event_store.log (
        is_only boolean primary key default true check (is_only),
        id text not null check (id ~ '^[0-9a-z]{8}$'),
        head bigint not null default 0
      ) with (fillfactor = 10);
      insert into event_store.log (id) values (left(md5(gen_random_uuid()::text), 8));
      create table event_store.events (
        position bigint primary key,
        stream text collate "C" not null,
        revision integer not null check (revision >= 0),
        id uuid not null,
        type text not null,
        data text not null,
        metadata text not null,
        unique (stream, revision)
      );
    `,
  },
];
