/**
 * Keys of personal data in PostgreSQL, each wrapped by the master key. A destroyed key keeps its row without key
 * material: the marker that tells an erasure from a loss.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { migrate } from '../postgres/migrate.ts';
import { decrypt, encrypt } from './aead.ts';
import { type KeyStore, type SubjectKey, UnreadablePersonalData } from './port.ts';

const MIGRATIONS = [
  {
    id: '0001-subject-keys',
    sql: `
      create schema privacy;
      create table privacy.subject_keys (
        subject text primary key,
        wrapped bytea,
        created_at timestamptz not null default now(),
        destroyed_at timestamptz,
        check ((wrapped is null) = (destroyed_at is not null))
      )`,
  },
];

const READ = 'select subject, wrapped from privacy.subject_keys where subject = any($1)';

/** The update changes nothing; it makes the statement return rows that were there, or that a racer has just made. */
const ENSURE = `
  insert into privacy.subject_keys (subject, wrapped)
  select subject, wrapped from unnest($1::text[], $2::bytea[]) as candidate (subject, wrapped) order by subject
  on conflict (subject) do update set subject = excluded.subject
  returning subject, wrapped`;

const DESTROY = `
  insert into privacy.subject_keys (subject, wrapped, destroyed_at) values ($1, null, now())
  on conflict (subject) do update set wrapped = null, destroyed_at = now()
  where subject_keys.destroyed_at is null`;

const CACHED_KEYS = 10_000;
/** How long another process may still read what a destroyed key protected. */
const CACHED_MS = 5_000;

interface Row {
  readonly subject: string;
  readonly wrapped: Buffer | null;
}

/**
 * A key store over the schema `privacy`, which it creates. `masterKey` (32 bytes) must be the same in every process.
 * Keys are remembered for 5 s, so a destroyed one is gone everywhere by then, and at once in the process that
 * destroyed it. Statements that fail throw the database's errors.
 */
export async function createPostgresKeyStore(options: {
  pool: pg.Pool;
  masterKey: Uint8Array;
}): Promise<KeyStore> {
  const { pool } = options;
  const masterKey = createSecretKey(options.masterKey);
  await migrate(pool, 'privacy', MIGRATIONS);
  const cache = new LRUCache<string, SubjectKey>({ max: CACHED_KEYS, ttl: CACHED_MS });
  /** Counts destructions, so that a read under way while one happens is not remembered. */
  let destructions = 0;

  const lookUp = async (subjects: readonly string[], fetch: (missing: string[]) => Promise<Row[]>) => {
    const found = new Map<string, SubjectKey>();
    for (const subject of subjects) {
      const key = cache.get(subject);
      if (key) found.set(subject, key);
    }
    const missing = [...new Set(subjects)].filter((subject) => !found.has(subject));
    if (missing.length === 0) return found;
    const before = destructions;
    for (const { subject, wrapped } of await fetch(missing)) {
      const key: SubjectKey = wrapped
        ? { state: 'usable', key: unwrap(masterKey, subject, wrapped) }
        : { state: 'destroyed' };
      found.set(subject, key);
      if (destructions === before) cache.set(subject, key);
    }
    return found;
  };

  return {
    read: (subjects) => lookUp(subjects, async (missing) => (await pool.query<Row>(READ, [missing])).rows),
    ensure: (subjects) =>
      lookUp(subjects, async (missing) => {
        const candidates = missing.map((subject) => encrypt(masterKey, randomBytes(32), subject));
        return (await pool.query<Row>(ENSURE, [missing, candidates])).rows;
      }),
    async destroy(subject) {
      await pool.query(DESTROY, [subject]);
      destructions++;
      cache.set(subject, { state: 'destroyed' });
    },
  };
}

function unwrap(masterKey: KeyObject, subject: string, wrapped: Buffer): KeyObject {
  try {
    return createSecretKey(decrypt(masterKey, wrapped, subject));
  } catch (cause) {
    throw new UnreadablePersonalData(
      `the key of ${subject} does not unwrap; is the master key the right one?`,
      { cause },
    );
  }
}
