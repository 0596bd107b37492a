/** The table of idempotent commands: who runs one, and how it was answered. Times are the database's. */
import type pg from 'pg';
import { createBatcher } from './batcher.ts';

/** A stored answer. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Entry {
  readonly commandId: string;
  readonly requestHash: string;
  readonly newId: string;
  /** RFC 3339 in UTC. */
  readonly now: string;
  /** Who wants to run the command: unique to this request. */
  readonly owner: string;
  readonly neverExpires: boolean;
}

/** What the first attempt fixed. `attempts` counts this one. */
export interface Begun {
  readonly newId: string;
  readonly now: string;
  readonly attempts: number;
}

/** How a beginning ended: the command is ours to run, or somebody else's row is in the way. */
export type Beginning =
  | ({ readonly isOurs: true } & Begun)
  | { readonly isOurs: false; readonly requestHash: string; readonly answer: StoredAnswer | null };

export interface Ownership {
  readonly commandId: string;
  readonly owner: string;
}

export interface IdempotencyTable {
  /** Inserts the row, or takes over one of the same request whose lease ran out. */
  begin(entry: Entry): Promise<Beginning>;
  /** Writes the answer, durably, where the row is still ours. */
  complete(answered: Ownership & StoredAnswer): Promise<void>;
  /**
   * The same for a command whose events are in the log. A crash of the server may lose it, which is as if the process
   * had died before it was written: the next attempt finds the events.
   */
  completeAppended(answered: Ownership & StoredAnswer): Promise<void>;
  /** Answers not written yet. */
  readonly pendingAnswers: number;
  /** Removes the row, where it is still ours: the command may be sent anew. */
  remove(ownership: Ownership): Promise<void>;
  /** Prolongs the leases. */
  renew(running: readonly Ownership[]): Promise<void>;
  /** Ends the lease at once, so that the next attempt takes the row over with all that it fixed. */
  surrender(ownership: Ownership): Promise<void>;
  /** Removes rows past their time; gives how many. */
  sweep(limit: number): Promise<number>;
  /** Waits for the answers under way. */
  drain(): Promise<void>;
}

const MAX_BATCH = 500;

const BEGIN = `
  insert into command_api.idempotency as row
    (command_id, request_hash, new_id, decided_at, owner, lease_until, expires_at)
  select command_id, request_hash, new_id, decided_at, owner,
         clock_timestamp() + make_interval(secs => $2),
         case when never_expires then null else now() + make_interval(hours => 25) end
  from json_to_recordset($1::json) as entry
    (command_id uuid, request_hash text, new_id uuid, decided_at text, owner uuid, never_expires boolean)
  order by command_id
  on conflict (command_id) do update
    set owner = excluded.owner, lease_until = excluded.lease_until, attempts = row.attempts + 1
    where row.status is null and row.lease_until < clock_timestamp() and row.request_hash = excluded.request_hash
  returning command_id as "commandId", owner, new_id as "newId", decided_at as "now", attempts`;

const FIND = `
  select command_id as "commandId", request_hash as "requestHash", status, headers, body
  from command_api.idempotency where command_id = any($1)`;

/** Rows are locked in one order by all statements, as they are by `BEGIN`, so that none waits for another in a circle. */
const LOCKED = `
  with locked as (
    select from command_api.idempotency
    where command_id in (select command_id from json_to_recordset($1::json) as entry (command_id uuid))
    order by command_id for update)`;

const completing = (more = '') => `
  ${LOCKED}
  update command_api.idempotency as row set status = entry.status, headers = entry.headers, body = entry.body
  from ${more}json_to_recordset($1::json) as entry
    (command_id uuid, owner uuid, status integer, headers text, body text)
  where row.command_id = entry.command_id and row.owner = entry.owner and row.status is null
    and (select count(*) from locked) > 0`;

const COMPLETE = completing();

/** The commit does not wait for the disk. */
const COMPLETE_APPENDED = completing("(select set_config('synchronous_commit', 'off', true)) as relaxed, ");

const RENEW = `
  ${LOCKED}
  update command_api.idempotency as row set lease_until = clock_timestamp() + make_interval(secs => $2)
  from json_to_recordset($1::json) as entry (command_id uuid, owner uuid)
  where row.command_id = entry.command_id and row.owner = entry.owner and row.status is null
    and (select count(*) from locked) > 0`;

const SWEEP = `
  delete from command_api.idempotency where command_id in
    (select command_id from command_api.idempotency where expires_at < now() limit $1 for update skip locked)`;

export function createIdempotencyTable(pool: pg.Pool, leaseSeconds: number): IdempotencyTable {
  const begins = createBatcher(
    (entries: readonly Entry[]) => beginAll(pool, entries, leaseSeconds),
    MAX_BATCH,
  );
  const answering = (name: string, text: string) =>
    createBatcher(async (items: readonly (Ownership & StoredAnswer)[]) => {
      const rows = items.map((item) => ({
        command_id: item.commandId,
        owner: item.owner,
        status: item.status,
        headers: JSON.stringify(item.headers),
        body: item.body,
      }));
      await pool.query({ name, text, values: [JSON.stringify(rows)] });
      return items.map(() => undefined);
    }, MAX_BATCH);
  const answers = answering('idempotency-complete', COMPLETE);
  const appended = answering('idempotency-complete-appended', COMPLETE_APPENDED);

  return {
    begin: (entry) => begins.add(entry),
    complete: (answered) => answers.add(answered),
    completeAppended: (answered) => appended.add(answered),
    get pendingAnswers() {
      return answers.size + appended.size;
    },
    async remove({ commandId, owner }) {
      await pool.query(
        'delete from command_api.idempotency where command_id = $1 and owner = $2 and status is null',
        [commandId, owner],
      );
    },
    async renew(running) {
      const rows = running.map(({ commandId, owner }) => ({ command_id: commandId, owner }));
      await pool.query(RENEW, [JSON.stringify(rows), leaseSeconds]);
    },
    async surrender(ownership) {
      await pool.query(RENEW, [
        JSON.stringify([{ command_id: ownership.commandId, owner: ownership.owner }]),
        -1,
      ]);
    },
    async sweep(limit) {
      const { rowCount } = await pool.query(SWEEP, [limit]);
      return rowCount ?? 0;
    },
    async drain() {
      await Promise.all([answers.drain(), appended.drain()]);
    },
  };
}

interface FoundRow {
  readonly commandId: string;
  readonly requestHash: string;
  readonly status: number | null;
  readonly headers: string;
  readonly body: string;
}

async function beginAll(
  pool: pg.Pool,
  entries: readonly Entry[],
  leaseSeconds: number,
): Promise<Beginning[]> {
  const results = new Map<Entry, Beginning>();
  while (results.size < entries.length) {
    const open = entries.filter((entry) => !results.has(entry));
    // One statement may touch a row once; whoever shares a key with an earlier entry finds that one's row.
    const firsts = [...new Map(open.toReversed().map((entry) => [entry.commandId, entry])).values()];
    const ours = await insert(pool, firsts, leaseSeconds);
    const others = open.filter((entry) => !ours.has(entry.owner));
    const found = await find(pool, others);
    for (const entry of open) {
      const begun = ours.get(entry.owner);
      const row = found.get(entry.commandId);
      if (begun) results.set(entry, { isOurs: true, ...begun });
      else if (row)
        results.set(entry, { isOurs: false, requestHash: row.requestHash, answer: toAnswer(row) });
      // Neither: the row was removed in between, so it can be inserted now.
    }
  }
  return entries.map((entry) => results.get(entry) as Beginning);
}

/** The rows that are ours now, by owner. */
async function insert(
  pool: pg.Pool,
  entries: readonly Entry[],
  leaseSeconds: number,
): Promise<Map<string, Begun>> {
  const rows = entries.map((entry) => ({
    command_id: entry.commandId,
    request_hash: entry.requestHash,
    new_id: entry.newId,
    decided_at: entry.now,
    owner: entry.owner,
    never_expires: entry.neverExpires,
  }));
  const values = [JSON.stringify(rows), leaseSeconds];
  const begun = await pool.query<Begun & Ownership>({ name: 'idempotency-begin', text: BEGIN, values });
  return new Map(begun.rows.map(({ owner, newId, now, attempts }) => [owner, { newId, now, attempts }]));
}

async function find(pool: pg.Pool, entries: readonly Entry[]): Promise<Map<string, FoundRow>> {
  if (entries.length === 0) return new Map();
  const found = await pool.query<FoundRow>(FIND, [entries.map(({ commandId }) => commandId)]);
  return new Map(found.rows.map((row) => [row.commandId, row]));
}

function toAnswer({ status, headers, body }: FoundRow): StoredAnswer | null {
  return status === null ? null : { status, headers: JSON.parse(headers) as Record<string, string>, body };
}
