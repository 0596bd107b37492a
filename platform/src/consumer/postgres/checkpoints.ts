/** Checkpoints and leases in PostgreSQL. The server's clock decides whether a lease has run out. */
import pg, { type Pool, type PoolClient } from 'pg';
import type { Position } from '../../event-store/port.ts';
import {
  type Candidate,
  type Claim,
  type ConsumerStatus,
  FingerprintChanged,
  type Hold,
  type Holding,
  LeaseLost,
  type Registration,
} from '../store.ts';

type Client = Pool | PoolClient;

/** Registers consumers at `start`; gives those that were not there. Throws {@link FingerprintChanged}. */
export async function register(
  client: Client,
  registrations: readonly Registration[],
  start: Position,
): Promise<ReadonlySet<string>> {
  const rows = JSON.stringify(registrations.map(({ consumer, fingerprint }) => ({ consumer, fingerprint })));
  const begun = await client.query<{ consumer: string }>(
    `insert into consumers.checkpoints (consumer, fingerprint, position, through)
     select consumer, fingerprint, $2, $2 from json_to_recordset($1) as r(consumer text, fingerprint text)
     on conflict do nothing returning consumer`,
    [rows, start],
  );
  const changed = await client.query<{ consumer: string }>(
    `select c.consumer from json_to_recordset($1) as r(consumer text, fingerprint text)
     join consumers.checkpoints c using (consumer) where c.fingerprint <> r.fingerprint order by 1`,
    [rows],
  );
  if (changed.rows.length > 0) throw new FingerprintChanged(changed.rows.map(({ consumer }) => consumer));
  await client.query(REVIVE, [rows]);
  return new Set(begun.rows.map(({ consumer }) => consumer));
}

/** A version that another one has replaced, and that comes back after ten minutes, is not live before it has caught up. */
const REVIVE = `
  update consumers.checkpoints c set is_live = false
  from json_to_recordset($1) as r(consumer text)
  where c.consumer = r.consumer and is_live
    and not exists (select from consumers.candidates a
      where a.consumer = c.consumer and seen_until > clock_timestamp() - interval '10 minutes')
    and exists (select from consumers.checkpoints o
      where o.is_live and o.consumer <> c.consumer and o.consumer ~ '_v[0-9]+$'
        and regexp_replace(o.consumer, '_v[0-9]+$', '') = regexp_replace(c.consumer, '_v[0-9]+$', ''))`;

/** See `ConsumerStore.attend`. */
export async function attend(
  client: Client,
  owner: string,
  consumers: readonly string[],
  ttlMs: number,
): Promise<readonly Candidate[]> {
  // The select sees the table as it was before the insert, so what is new goes on top of it.
  const { rows } = await client.query<Candidate>(
    `with gone as (
       delete from consumers.candidates
       where not (owner = $1 and consumer = any ($2)) and seen_until < clock_timestamp() - interval '2 days'
     ), named as (
       insert into consumers.candidates (consumer, owner, seen_until)
       select consumer, $1, clock_timestamp() + $3 * interval '1 ms' from unnest($2::text[]) as consumer
       on conflict (consumer, owner) do update set seen_until = excluded.seen_until
     )
     select consumer, owner from consumers.candidates
     where not (owner = $1 and consumer = any ($2)) and seen_until > clock_timestamp()`,
    [owner, consumers, ttlMs],
  );
  return [...rows, ...(ttlMs > 0 ? consumers.map((consumer) => ({ consumer, owner })) : [])];
}

/** See `ConsumerStore.claim`. A checkpoint that is being moved at this moment is not free. */
export async function claim(
  client: Client,
  consumer: string,
  owner: string,
  leaseMs: number,
): Promise<Claim | null> {
  const { rows } = await client.query<Pick<Claim, 'epoch' | 'position' | 'isLive' | 'heldAt'>>(
    `update consumers.checkpoints
     set owner = $2, epoch = epoch + 1, lease_until = clock_timestamp() + $3 * interval '1 ms'
     where consumer = (
       select consumer from consumers.checkpoints
       where consumer = $1 and (owner is null or owner = $2 or lease_until < clock_timestamp())
       for update skip locked
     )
     returning epoch, position, is_live as "isLive", held_position as "heldAt"`,
    [consumer, owner, leaseMs],
  );
  const [row] = rows;
  return row ? { consumer, leaseMs, ...row } : null;
}

/** See `ConsumerStore.renew`. A commit under way extends its own lease, so this waits for none. */
export async function renew(client: Client, holdings: readonly Holding[]): Promise<readonly Claim[]> {
  if (holdings.length === 0) return [];
  const rows = holdings.map(({ claim: { consumer, epoch, position, leaseMs }, through }) => ({
    consumer,
    epoch,
    position,
    through,
    lease_ms: leaseMs,
  }));
  const lost = await client.query<{ consumer: string }>(
    `with mine as materialized (
       select * from json_to_recordset($1)
         as r(consumer text, epoch integer, position text, through text, lease_ms integer)
     ), free as materialized (
       select c.consumer from consumers.checkpoints c join mine using (consumer, epoch) for update of c skip locked
     ), renewed as (
       update consumers.checkpoints c
       set lease_until = clock_timestamp() + mine.lease_ms * interval '1 ms',
           through = case when c.position = mine.position then greatest(c.through, mine.through) else c.through end
       from mine join free using (consumer)
       where c.consumer = mine.consumer
     )
     select consumer from mine
     where not exists (select from consumers.checkpoints c where c.consumer = mine.consumer and c.epoch = mine.epoch)`,
    [JSON.stringify(rows)],
  );
  const names = new Set(lost.rows.map(({ consumer }) => consumer));
  return holdings.map(({ claim }) => claim).filter(({ consumer }) => names.has(consumer));
}

/** See `ConsumerStore.release`. */
export async function release(client: Client, claims: readonly Claim[]): Promise<void> {
  await client.query(
    `update consumers.checkpoints c set owner = null, lease_until = null
     from json_to_recordset($1) as r(consumer text, epoch integer)
     where c.consumer = r.consumer and c.epoch = r.epoch`,
    [JSON.stringify(claims.map(({ consumer, epoch }) => ({ consumer, epoch })))],
  );
}

/** Divides by the number of rows moved: where that is 0, the error fails whatever was sent after this statement. */
const MOVE = `
  with moved as (
    update consumers.checkpoints
    set position = $4, through = case when $4 < position then $4 else greatest(through, $4) end, updated_at = now(),
        lease_until = clock_timestamp() + $5 * interval '1 ms',
        held_position = case when position <> $4 then null else held_position end,
        held_error = case when position <> $4 then null else held_error end
    where consumer = $1 and epoch = $2 and position = $3
    returning consumer
  )
  select 1 / count(*) from moved`;
const DIVISION_BY_ZERO = '22012';

/**
 * Moves the checkpoint by compare-and-swap on position and epoch, and extends the lease: the first statement of every
 * commit, so that it holds the row until the end. Throws {@link LeaseLost}, and nothing that follows it in the
 * transaction is carried out then.
 */
export async function moveCheckpoint(client: PoolClient, from: Claim, to: Position): Promise<Claim> {
  const values = [from.consumer, from.epoch, from.position, to, from.leaseMs];
  try {
    await client.query({ name: 'move_checkpoint', text: MOVE, values });
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === DIVISION_BY_ZERO) throw new LeaseLost(from);
    throw error;
  }
  return { ...from, position: to, heldAt: to === from.position ? from.heldAt : null };
}

/** See `ConsumerStore.goLive`. */
export async function goLive(client: Client, claimed: Claim): Promise<Claim> {
  await client.query('update consumers.checkpoints set is_live = true where consumer = $1 and epoch = $2', [
    claimed.consumer,
    claimed.epoch,
  ]);
  return { ...claimed, isLive: true };
}

/** See `ConsumerStore.hold`. */
export async function hold(
  client: Client,
  { consumer, epoch }: Claim,
  { position, error }: Hold,
): Promise<void> {
  await client.query(
    'update consumers.checkpoints set held_position = $3, held_error = $4 where consumer = $1 and epoch = $2',
    [consumer, epoch, position, error],
  );
}

interface StatusRow extends Omit<ConsumerStatus, 'leaseUntil' | 'updatedAt' | 'held'> {
  readonly leaseUntil: Date | null;
  readonly updatedAt: Date;
  readonly heldPosition: Position | null;
  readonly heldError: string | null;
}

/** See `ConsumerStore.status`. */
export async function status(client: Client): Promise<readonly ConsumerStatus[]> {
  const { rows } = await client.query<StatusRow>(
    `select consumer, generation, position, through, epoch, is_live as "isLive", lease_until as "leaseUntil",
       case when lease_until > clock_timestamp() then owner end as owner,
       held_position as "heldPosition", held_error as "heldError", updated_at as "updatedAt",
       (select count(*)::integer from consumers.parked_keys p where p.consumer = c.consumer) as "parkedKeys"
     from consumers.checkpoints c order by consumer`,
  );
  return rows.map(({ heldPosition, heldError, leaseUntil, updatedAt, ...row }) => ({
    ...row,
    leaseUntil: leaseUntil?.toISOString() ?? null,
    updatedAt: updatedAt.toISOString(),
    held: heldError === null ? null : { position: heldPosition, error: heldError },
  }));
}
