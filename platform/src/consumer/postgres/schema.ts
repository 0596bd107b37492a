import type { Migration } from '../../postgres/migrate.ts';

/** Tables of all consumers of a database. Positions and keys compare bytewise. */
export const consumerMigrations: readonly Migration[] = [
  {
    id: '0001-consumers',
    sql: `
      create extension if not exists pg_trgm;
      create extension if not exists unaccent;
      create schema if not exists consumers;
      create schema if not exists views;

      create table consumers.checkpoints (
        consumer text primary key,
        position text collate "C" not null,
        through text collate "C" not null,
        epoch integer not null default 0,
        owner text,
        lease_until timestamptz,
        fingerprint text not null,
        is_live boolean not null default false,
        held_position text collate "C",
        held_error text,
        updated_at timestamptz not null default now()
      ) with (fillfactor = 50);

      create table consumers.candidates (
        consumer text not null,
        owner text not null,
        seen_until timestamptz not null,
        primary key (consumer, owner)
      ) with (fillfactor = 50);

      create table consumers.parked_keys (
        consumer text not null,
        key text collate "C" not null,
        first_position text collate "C" not null,
        error text not null,
        parked_at timestamptz not null default now(),
        primary key (consumer, key)
      );

      create table consumers.parked_events (
        consumer text not null,
        key text collate "C" not null,
        position text collate "C" not null,
        stream text not null,
        revision integer not null,
        error text,
        primary key (consumer, key, position),
        foreign key (consumer, key) references consumers.parked_keys on delete cascade
      );

      create table consumers.requests (
        id bigint generated always as identity primary key,
        consumer text not null,
        action text not null check (action in ('retry', 'discard', 'skip')),
        key text,
        position text,
        requested_at timestamptz not null default now(),
        outcome text,
        done_at timestamptz
      );
      create index requests_waiting on consumers.requests (consumer) where outcome is null;
    `,
  },
  {
    id: '0002-generations',
    sql: `
      alter table consumers.checkpoints
        add generation integer not null default 1,
        add since timestamptz not null default now();

      alter table consumers.parked_events
        drop constraint parked_events_consumer_key_fkey,
        add foreign key (consumer, key) references consumers.parked_keys on update cascade on delete cascade;

      alter table consumers.requests
        add report json,
        drop constraint requests_action_check;
    `,
  },
];
