/**
 * Requests to replace a forgotten password [I5]. Taking one writes a row and nothing else, so that it takes as long and
 * tells as much whether anybody has the address; whom it concerns is found out afterwards.
 */

import { streamId } from '@annals/contracts/kit/event';
import { defineRoute } from '@annals/contracts/kit/route';
import type { Logger } from '@annals/platform/telemetry/logger';
import { uuidv7 } from '@annals/platform/uuid';
import pLimit from 'p-limit';
import type pg from 'pg';
import { z } from 'zod';
import { defineCommand } from '../commands/command.ts';
import { streamOf } from '../commands/decider.ts';
import type { CommandRunner } from '../commands/runner.ts';
import type { Streams } from '../commands/streams.ts';
import type { Reservations } from '../reservations/reservations.ts';
import { users, verifications } from './deciders.ts';
import { key } from './domain/user.ts';
import { requestReset } from './domain/verification.ts';
import { NOBODY } from './log-in.ts';
import { resetProof } from './reset-proof.ts';

export interface PasswordResets {
  /** Takes a request for whoever has the address, if anybody. */
  request(email: string): Promise<void>;
  /** Does what a process that died left behind; forgets what nobody did within an hour. */
  doPending(): Promise<void>;
  /** Waits for what is under way. */
  drain(): Promise<void>;
}

export interface PasswordResetsOptions {
  readonly pool: pg.Pool;
  readonly streams: Streams;
  readonly reservations: Reservations;
  readonly runner: CommandRunner;
  readonly logger: Logger;
}

const AT_ONCE = 4;
/** What comes on top is left to {@link PasswordResets.doPending}. */
const MAX_WAITING = 200;
const BATCH = 100;
const ABANDONED_SECONDS = 10;

/** Not part of the route table: the route only takes the request. */
const requestRoute = defineRoute({
  name: 'requestReset',
  method: 'POST',
  path: '/internal/password-resets',
  service: 'command-api',
  tag: 'identity',
  summary: 'Ask for a token',
  access: 'anyone',
  params: z.strictObject({ userId: z.uuid() }),
  success: { status: 202 },
});

const request = defineCommand(requestRoute, verifications, {
  target: ({ params }) => params.userId,
  related: ({ params }) => ({ user: streamOf(users, params.userId) }),
  decide({ id, state, related: { user }, newId, now }) {
    if (user?.status !== 'registered' || user.isDisabled) return [];
    const { passwordId } = user;
    return requestReset(state, { userId: id, requestId: newId, passwordId, proof: resetProof(user), now });
  },
});

interface Row {
  readonly id: string;
  readonly reservation: string;
}

export function createPasswordResets(options: PasswordResetsOptions): PasswordResets {
  const { pool, streams, reservations, runner, logger } = options;
  const limit = pLimit(AT_ONCE);
  const running = new Set<Promise<void>>();

  /**
   * Doing it twice is doing it once: its events have the row's id, and are looked for every time, since whoever does it
   * late may not be the first.
   */
  async function carryOut({ id, reservation }: Row): Promise<void> {
    const claimant = await reservations.claimantOf(reservation);
    const userId = claimant ? streamId(claimant.by) : NOBODY;
    const owner = (await streams.load(streamOf(users, userId))).snapshot;
    if (owner.claims.has(reservation)) {
      await runner.run(
        request,
        {
          params: { userId },
          body: undefined,
          caller: { kind: 'anonymous', address: '' },
          ifMatch: null,
          correlationId: id,
          traceparent: undefined,
        },
        { commandId: id, newId: id, now: new Date().toISOString(), isFirst: false },
      );
    }
    await pool.query('delete from command_api.reset_requests where id = $1', [id]);
  }

  /** One that fails is left to {@link PasswordResets.doPending}, and keeps no other from being done. */
  const attempt = (row: Row): Promise<void> =>
    carryOut(row).catch((error: unknown) => logger.warn({ err: error }, 'a password reset is put off'));

  function start(row: Row): void {
    if (limit.pendingCount >= MAX_WAITING) return;
    const work = limit(() => attempt(row)).finally(() => running.delete(work));
    running.add(work);
  }

  return {
    async request(email) {
      const row = { id: uuidv7(), reservation: reservations.streamOf(key('email', email)) };
      await pool.query('insert into command_api.reset_requests (id, reservation) values ($1, $2)', [
        row.id,
        row.reservation,
      ]);
      start(row);
    },
    async doPending() {
      await pool.query(
        `delete from command_api.reset_requests where requested_at < now() - interval '1 hour'`,
      );
      const { rows } = await pool.query<Row>(
        `select id, reservation from command_api.reset_requests
         where requested_at < now() - make_interval(secs => $1) order by requested_at limit $2`,
        [ABANDONED_SECONDS, BATCH],
      );
      for (const row of rows) await attempt(row);
    },
    async drain() {
      await Promise.all(running);
    },
  };
}
