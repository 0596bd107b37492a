/** Tables that command-api alone uses, in the schema `command_api`. */
import type { Migration } from '@annals/platform/postgres/migrate';

export const migrations: readonly Migration[] = [
  {
    id: '0001-idempotency',
    sql: `
      create schema if not exists command_api;
      create table command_api.idempotency (
        command_id uuid primary key,
        request_hash text not null,
        new_id uuid not null,
        decided_at text not null,
        owner uuid not null,
        lease_until timestamptz not null,
        attempts integer not null default 1,
        status integer,
        headers text,
        body text,
        expires_at timestamptz
      );
      create index idempotency_expiry on command_api.idempotency (expires_at) where expires_at is not null;`,
  },
  {
    id: '0002-credentials',
    sql: `
      create table command_api.credentials (
        user_id uuid primary key,
        password_hash text not null,
        is_registered boolean not null default false,
        staged_at timestamptz not null default now()
      );
      create index credentials_unregistered on command_api.credentials (staged_at) where not is_registered;`,
  },
  {
    id: '0003-sessions',
    sql: `
      create table command_api.sessions (
        id uuid primary key,
        user_id uuid not null,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null,
        last_used_at timestamptz not null default now(),
        ip text not null,
        user_agent text,
        revoked_at timestamptz,
        revocation_reason text,
        is_announced boolean not null default false
      );
      create index sessions_by_user on command_api.sessions (user_id);
      create index sessions_expiry on command_api.sessions (expires_at);
      create index sessions_unannounced on command_api.sessions (revoked_at)
        where revoked_at is not null and not is_announced;
      create table command_api.refresh_tokens (
        token_hash bytea primary key,
        session_id uuid not null references command_api.sessions on delete cascade,
        issued_at timestamptz not null default now(),
        rotated_at timestamptz
      );
      create index refresh_tokens_by_session on command_api.refresh_tokens (session_id);
      create table command_api.login_log (
        id bigint generated always as identity primary key,
        at timestamptz not null default now(),
        user_id uuid,
        login_hash text not null,
        ip text not null,
        user_agent text,
        succeeded boolean not null,
        reason text
      );
      create index login_log_by_user on command_api.login_log (user_id, at desc);`,
  },
  {
    id: '0004-readings',
    sql: `
      create unlogged table command_api.readings (
        article_id uuid not null,
        reader text not null,
        read_at timestamptz not null default now(),
        primary key (article_id, reader)
      );
      create index readings_by_age on command_api.readings (read_at);`,
  },
  {
    id: '0005-passwords',
    sql: `
      alter table command_api.credentials add column password_id uuid;
      update command_api.credentials set password_id = user_id;
      alter table command_api.credentials alter column password_id set not null,
        drop constraint credentials_pkey, add primary key (password_id);
      create index credentials_by_user on command_api.credentials (user_id);
      alter table command_api.sessions add column password_id uuid;
      create table command_api.reset_requests (
        id uuid primary key,
        reservation text not null,
        requested_at timestamptz not null default now()
      );
      create index reset_requests_by_time on command_api.reset_requests (requested_at);
      create table command_api.login_failures (
        key text primary key,
        failures integer not null,
        blocked_until timestamptz not null default '-infinity',
        forget_at timestamptz not null
      );
      create index login_failures_by_time on command_api.login_failures (forget_at);
      alter table command_api.login_log add column network text;
      create index login_log_by_network on command_api.login_log (user_id, network) where succeeded;
      create index login_log_by_time on command_api.login_log (at);
      create table command_api.exports (
        id uuid primary key,
        user_id uuid not null,
        requested_at timestamptz not null default now(),
        is_done boolean not null default false
      );
      create index exports_by_user on command_api.exports (user_id);
      create table command_api.export_parts (
        export_id uuid not null references command_api.exports on delete cascade,
        part integer not null,
        sealed bytea not null,
        primary key (export_id, part)
      );
      create table command_api.chores (
        name text primary key,
        done_at timestamptz not null
      );`,
  },
  {
    id: '0006-avatars',
    sql: `
      create table command_api.avatars (
        id uuid primary key,
        user_id uuid not null,
        media_type text not null,
        sealed bytea not null,
        staged_at timestamptz not null default now()
      );
      create index avatars_by_user on command_api.avatars (user_id);`,
  },
  {
    id: '0007-avatars-swept',
    sql: `
      alter table command_api.avatars add column is_named boolean not null default false;
      create index avatars_to_sweep on command_api.avatars (staged_at) where not is_named;`,
  },
];
