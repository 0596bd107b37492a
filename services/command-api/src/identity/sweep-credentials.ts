/** Removes password hashes that no event came to name. */
import type { UserDomainEvent } from '@annals/contracts/identity/user.events';
import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv5 } from '@annals/platform/uuid';
import type { Origin } from '../commands/events.ts';
import { initial } from '../reservations/domain/reservation.ts';
import { append } from '../reservations/reservation-log.ts';
import type { Credentials, StagedPassword } from './credentials.ts';

/** No command takes that long. */
const AGE_SECONDS = 3_600;
const BATCH = 100;

/**
 * Looks at rows older than an hour: those that an event names are marked as such, those that another has replaced since
 * are removed; for the rest a fence is appended to the user's stream first, so that a late command can't do without the
 * row that is removed here.
 */
export async function sweepCredentials(
  credentials: Credentials,
  log: EventLog,
  ageSeconds = AGE_SECONDS,
): Promise<void> {
  const rows = await credentials.findStaged(ageSeconds, BATCH);
  const named: string[] = [];
  for (const row of rows) {
    const isNewest = await fenceUnlessNamed(log, row);
    if (isNewest) named.push(row.passwordId);
    else await credentials.removeStale(row.passwordId, row.stagedAt);
  }
  await credentials.markNamed(named);
}

/** Whether the password counts. Where it does not, no event can name it any more. */
async function fenceUnlessNamed(log: EventLog, { userId, passwordId }: StagedPassword): Promise<boolean> {
  const stream = `user-${userId}`;
  const commandId = uuidv5('sweep', passwordId);
  const origin: Origin = {
    commandId,
    correlationId: commandId,
    traceparent: undefined,
    now: new Date().toISOString(),
    actor: { kind: 'system', id: null },
  };
  for (;;) {
    const events = await log.read(stream);
    const ids = (events as readonly UserDomainEvent[]).flatMap(passwordIdsOf);
    if (ids.includes(passwordId)) return ids.at(-1) === passwordId;
    const end = { revision: events.length - 1, state: initial };
    const lapse = { type: 'ReservationLapsed', data: { key: 'credentials', attempt: commandId } } as const;
    if (await append(log, stream, end, lapse, origin)) return false;
  }
}

/** The password that an event makes the one that counts; null where from then on none does. */
function passwordIdsOf({ type, data }: UserDomainEvent): (string | null)[] {
  if (type === 'UserRegistered') return [data.userId];
  if (type === 'PasswordChanged') return [data.passwordId];
  return type === 'UserErased' ? [null] : [];
}
