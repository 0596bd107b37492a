/** Removes password hashes of registrations that never came about. */
import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv5 } from '@annals/platform/uuid';
import type { Origin } from '../commands/events.ts';
import { initial } from '../reservations/domain/reservation.ts';
import { append } from '../reservations/reservation-log.ts';
import type { Credentials } from './credentials.ts';

/** No registration takes that long. */
const AGE_SECONDS = 3_600;
const BATCH = 100;

/**
 * Looks at rows older than an hour: those of registered users are marked as such; for the others a fence is appended
 * to the user's stream first, so that a late registration can't do without the row that is removed here.
 */
export async function sweepCredentials(
  credentials: Credentials,
  log: EventLog,
  ageSeconds = AGE_SECONDS,
): Promise<void> {
  const rows = await credentials.findUnregistered(ageSeconds, BATCH);
  const registered: string[] = [];
  for (const { userId, stagedAt } of rows) {
    const isRegistered = await fenceUnlessRegistered(log, userId);
    if (isRegistered) registered.push(userId);
    else await credentials.removeStale(userId, stagedAt);
  }
  await credentials.markRegistered(registered);
}

async function fenceUnlessRegistered(log: EventLog, userId: string): Promise<boolean> {
  const stream = `user-${userId}`;
  const commandId = uuidv5('sweep', userId);
  const origin: Origin = {
    commandId,
    correlationId: commandId,
    traceparent: undefined,
    now: new Date().toISOString(),
    actor: { kind: 'system', id: null },
  };
  for (;;) {
    const events = await log.read(stream);
    if (events.some(({ type }) => type === 'UserRegistered')) return true;
    const end = { revision: events.length - 1, state: initial };
    const lapse = { type: 'ReservationLapsed', data: { key: 'credentials', attempt: commandId } } as const;
    if (await append(log, stream, end, lapse, origin)) return false;
  }
}
