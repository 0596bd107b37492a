/** The consumer store in PostgreSQL: views (rows and JSON documents) and reactions. */
import type { Pool } from 'pg';
import type { Position } from '../../event-store/port.ts';
import { migrate } from '../../postgres/migrate.ts';
import { type Sender, sentAtOnce, transaction } from '../../postgres/transaction.ts';
import type { ConsumerFaults } from '../faults.ts';
import { besideOf } from '../projection.ts';
import type { PostgresEffects } from '../reaction.ts';
import { createSightings } from '../sightings.ts';
import {
  type Claim,
  type ConsumerStore,
  type Registration,
  type ViewStore,
  WritesRefused,
} from '../store.ts';
import * as checkpoints from './checkpoints.ts';
import * as generations from './generations.ts';
import * as parking from './parking.ts';
import { consumerMigrations } from './schema.ts';
import * as snapshots from './snapshot.ts';
import { type ViewTable, viewTable } from './view-table.ts';
import { findRefused, isRefusal, rowsOf, writeViews } from './write-views.ts';

/** The same in every process: preparations wait for each other. */
const PREPARE_LOCK = 4_711_002;

/** Documents and checkpoint move together. */
const NEVER_AHEAD: ReadonlyMap<string, Position> = new Map();

export interface PostgresConsumerStoreOptions {
  /** For views with `pipeline`: a commit is one round trip. */
  readonly pool: Pool;
  /** What tests make happen between the writes and their commit. */
  readonly faults?: ConsumerFaults | undefined;
}

/** All but `commit`, which is where the two kinds of store differ. */
function baseStore(pool: Pool): Omit<ConsumerStore<never>, 'commit'> {
  return {
    prepare: (registrations, start) => prepare(pool, registrations, start, []),
    attend: (owner, consumers, ttlMs) => checkpoints.attend(pool, owner, consumers, ttlMs),
    claim: (consumer, owner, leaseMs) => checkpoints.claim(pool, consumer, owner, leaseMs),
    renew: (holdings) => checkpoints.renew(pool, holdings),
    release: (claims) => checkpoints.release(pool, claims),
    goLive: (claim) => checkpoints.goLive(pool, claim),
    hold: (claim, hold) => checkpoints.hold(pool, claim, hold),
    status: () => checkpoints.status(pool),
    request: (request) => parking.request(pool, request),
    pending: (consumers) => parking.pending(pool, consumers),
    requests: () => parking.requests(pool),
  };
}

async function prepare(
  pool: Pool,
  registrations: readonly Registration[],
  start: Position,
  tables: readonly ViewTable[],
): Promise<void> {
  await migrate(pool, 'consumers', consumerMigrations);
  await transaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [PREPARE_LOCK]);
    const begun = await checkpoints.register(client, registrations, start);
    // Only what is missing: even an `if not exists` would wait for the commits under way and hold up further ones.
    const existing = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'views' and tablename = any ($1)`,
      [tables.map(({ name }) => name)],
    );
    const names = new Set(existing.rows.map(({ name }) => name));
    for (const { name, ddl } of tables) {
      if (names.has(name) && !begun.has(name)) continue;
      // What was dropped by half is left over, and must not be folded over from the start.
      await client.query(`drop table if exists views.${name}`);
      for (const statement of ddl) await client.query(statement);
    }
  });
}

/** A store for reactions: effects run on the connection whose transaction moves the checkpoint. */
export function createPostgresReactionStore({
  pool,
  faults,
}: PostgresConsumerStoreOptions): ConsumerStore<PostgresEffects> {
  return {
    ...baseStore(pool),
    commit: (claim, to, effects, repair) =>
      transaction(pool, async (client) => {
        const moved = await checkpoints.moveCheckpoint(client, claim, to);
        await effects?.(client);
        if (repair) await Promise.all(parking.carryOut(client, repair));
        await faults?.('written', claim.consumer);
        return moved;
      }),
  };
}

/** A store for projections into tables `views.<name>_v<version>`, rows and documents alike. */
export function createPostgresViewStore({ pool, faults }: PostgresConsumerStoreOptions): ViewStore {
  const tables = new Map<string, ViewTable>();
  const seen = createSightings();
  const tableOf = (consumer: string): ViewTable => {
    const table = tables.get(consumer);
    if (!table) throw new Error(`${consumer} was not prepared`);
    return table;
  };

  return {
    ...baseStore(pool),
    prepare: async (registrations, start) => {
      const live: ViewTable[] = [];
      for (const { consumer, projection } of registrations) {
        if (!projection) continue;
        const beside = besideOf(consumer);
        live.push(viewTable(projection));
        tables.set(consumer, viewTable(projection)).set(beside, viewTable(projection, beside));
      }
      await prepare(pool, registrations, start, live);
    },
    load: async (consumer, keys) => {
      const { name, load } = tableOf(consumer);
      const { rows } = await pool.query<{ key: string; doc: object }>({
        name: `load_${name}`,
        text: load,
        values: [keys],
      });
      return { docs: new Map(rows.map(({ key, doc }) => [key, doc])), reached: NEVER_AHEAD };
    },
    commit: async (claim, to, writes, repair) => {
      const table = tableOf(claim.consumer);
      const rows = writes ? rowsOf(table, writes.upserts) : [];
      try {
        const send: Sender<Claim> = (client) => [
          checkpoints.moveCheckpoint(client, claim, to),
          ...(writes ? writeViews(client, table, rows, writes.deletes) : []),
          ...(repair ? parking.carryOut(client, repair) : []),
          ...(writes ? parking.park(client, claim.consumer, writes.parked) : []),
        ];
        const beforeCommit = faults && (() => faults('written', claim.consumer));
        // Checkpoint, view and repair are lost together or not at all, and then are done again.
        return await sentAtOnce(pool, send, { beforeCommit, mayBeLost: true });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const refused = await findRefused(pool, table, rows);
        throw refused.size > 0 ? new WritesRefused(refused, error) : error;
      }
    },
    parkedKeys: (consumer) => parking.parkedKeys(pool, consumer),
    parkedEvents: (consumer, key, after, limit) => parking.parkedEvents(pool, consumer, key, after, limit),
    begin: (consumer, start, graceMs) =>
      generations.begin(pool, tableOf(besideOf(consumer)), consumer, start, graceMs),
    swap: (request, outcome) => generations.swap(pool, request, outcome),
    drop: (consumer, graceMs) => generations.drop(pool, consumer, graceMs),
    outdated: (ageMs) => generations.outdated(pool, ageMs),
    dropLeft: (ageMs) => generations.dropLeft(pool, seen, ageMs),
    count: (consumer) => snapshots.count(pool, tableOf(consumer)),
    pageEnd: (consumer, after, limits) => snapshots.pageEnd(pool, tableOf(consumer), after, limits),
    snapshot: (consumer, range) => snapshots.snapshot(pool, tableOf(consumer), range),
    report: (request, report) => generations.report(pool, request, report),
    finish: (request, outcome, report) => generations.finish(pool, request, outcome, report),
  };
}
