/** What replicas count together: permits taken, by caller, in PostgreSQL. */
import type { Logger } from 'pino';
import { type Migration, migrate } from '../postgres/migrate.ts';
import { createPool } from '../postgres/pool.ts';
import type { Limit } from './throttle.ts';

/** The windows that permits were taken in, by their ends: ms since 1970 by the server's clock. */
export interface Windows {
  readonly minuteEnds: number;
  readonly hourEnds: number;
}

/** Permits wanted for a caller, or given back unused to the windows they were taken in. */
export type Exchange =
  | { readonly key: string; readonly wanted: number; readonly limit: Limit }
  | { readonly key: string; readonly returned: number; readonly windows: Windows };

/** The state of a caller's counters after an exchange; `granted`: as many as wanted, or as were left. */
export interface Counted extends Windows {
  readonly granted: number;
  readonly minuteUsed: number;
  readonly hourUsed: number;
  /** When it was counted, by the server's clock. */
  readonly at: number;
}

/** The port between the throttle of one replica and what all of them share. */
export interface PermitCounters {
  /** Answers in the order of `exchanges`. What is granted is counted before this resolves. */
  exchange(exchanges: readonly Exchange[]): Promise<readonly Counted[]>;
  close(): Promise<void>;
}

/**
 * A window begins with the first permit taken after the last one ended. Rows are locked in the order of their keys, so
 * that no two replicas wait for each other. What is given back counts only in the window it was taken in.
 */
const migrations: readonly Migration[] = [
  {
    id: '0001-counters',
    sql: `
      create schema throttles;
      create table throttles.counters (
        key text collate "C" primary key,
        minute_used integer not null default 0,
        minute_ends bigint not null default 0,
        hour_used integer not null default 0,
        hour_ends bigint not null default 0
      ) with (fillfactor = 50);
      create index on throttles.counters (hour_ends);

      create function throttles.exchange(exchanges json)
      returns table (number integer, granted integer, minute_used integer, minute_ends bigint,
                     hour_used integer, hour_ends bigint, counted_at bigint)
      language plpgsql as $function$
      #variable_conflict use_column
      declare
        one record;
        counter throttles.counters;
        moment bigint;
        grants integer;
      begin
        for one in
          select * from json_to_recordset(exchanges) as asked
            (number integer, key text, wanted integer, per_minute integer, per_hour integer,
             returned integer, minute_ends bigint, hour_ends bigint)
          order by asked.key collate "C", asked.number
        loop
          insert into throttles.counters as row (key) values (one.key)
            on conflict (key) do update set key = excluded.key
            returning row.* into counter;
          -- After the lock, so that no window is judged by a time before it was somebody else's turn.
          moment := floor(extract(epoch from clock_timestamp()) * 1000);
          grants := 0;
          if one.returned is null then
            if counter.minute_ends <= moment then
              counter.minute_used := 0;
              counter.minute_ends := moment + 60000;
            end if;
            if counter.hour_ends <= moment then
              counter.hour_used := 0;
              counter.hour_ends := moment + 3600000;
            end if;
            grants := greatest(0, least(one.wanted, one.per_minute - counter.minute_used,
                                        one.per_hour - counter.hour_used));
            counter.minute_used := counter.minute_used + grants;
            counter.hour_used := counter.hour_used + grants;
          else
            if counter.minute_ends = one.minute_ends then
              counter.minute_used := greatest(0, counter.minute_used - one.returned);
            end if;
            if counter.hour_ends = one.hour_ends then
              counter.hour_used := greatest(0, counter.hour_used - one.returned);
            end if;
          end if;
          update throttles.counters as row
            set minute_used = counter.minute_used, minute_ends = counter.minute_ends,
                hour_used = counter.hour_used, hour_ends = counter.hour_ends
            where row.key = one.key;
          return query select one.number, grants, counter.minute_used, counter.minute_ends,
                              counter.hour_used, counter.hour_ends, moment;
        end loop;
      end
      $function$;
    `,
  },
];

const EXCHANGE = 'select * from throttles.exchange($1)';
/** Rows whose hour is over say nothing any more. */
const SWEEP = `
  delete from throttles.counters where key in (
    select key from throttles.counters
    where hour_ends < floor(extract(epoch from clock_timestamp()) * 1000) - 60000
    limit 10000 for update skip locked)`;
const SWEEP_MS = 60_000;

/** A server that is there has answered by then. */
const ANSWER_TIMEOUT_MS = 2_000;

interface Row {
  readonly number: number;
  readonly granted: number;
  readonly minute_used: number;
  readonly minute_ends: string;
  readonly hour_used: number;
  readonly hour_ends: string;
  readonly counted_at: string;
}

export interface PermitCountersOptions {
  readonly url: string;
  readonly application: string;
  readonly logger: Logger;
}

/**
 * Counters in the schema `throttles`, created where it is missing. Uses a connection of its own, so that no slow
 * statement holds permits up, and a second one to remove what is over.
 */
export async function createPostgresPermitCounters(options: PermitCountersOptions): Promise<PermitCounters> {
  const pool = createPool({
    ...options,
    max: 2,
    statementTimeoutMs: ANSWER_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
  });
  try {
    await migrate(pool, 'throttles', migrations);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const sweeper = setInterval(() => {
    pool.query(SWEEP).catch((error: unknown) => {
      options.logger.warn({ err: error }, 'counters that are over were not removed');
    });
  }, SWEEP_MS);
  sweeper.unref();
  return {
    async exchange(exchanges) {
      const values = [JSON.stringify(exchanges.map(toRequest))];
      const { rows } = await pool.query<Row>({ name: 'throttles-exchange', text: EXCHANGE, values });
      return rows.toSorted((a, b) => a.number - b.number).map(toCounted);
    },
    async close() {
      clearInterval(sweeper);
      await pool.end();
    },
  };
}

function toRequest(exchange: Exchange, number: number): object {
  if ('wanted' in exchange) {
    const { key, wanted, limit } = exchange;
    return { number, key, wanted, per_minute: limit.perMinute, per_hour: limit.perHour };
  }
  const { key, returned, windows } = exchange;
  return { number, key, returned, minute_ends: windows.minuteEnds, hour_ends: windows.hourEnds };
}

function toCounted(row: Row): Counted {
  return {
    granted: row.granted,
    minuteUsed: row.minute_used,
    minuteEnds: Number(row.minute_ends),
    hourUsed: row.hour_used,
    hourEnds: Number(row.hour_ends),
    at: Number(row.counted_at),
  };
}
