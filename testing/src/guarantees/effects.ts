/** What commands have left in the log. */
import type { EventStoreConfig } from '@annals/platform/event-store/open';
import type { Position, StoredEvent } from '@annals/platform/event-store/port';
import { readLog } from './log-reader.ts';

interface Effects {
  /** Commands that appended to one stream twice, or to two streams. */
  readonly twice: readonly string[];
  /** How many events of an act each stream has. */
  readonly streams: ReadonlyMap<string, number>;
}

/** Fences and reservations are no effects: they may be repeated. */
const isEffect = ({ stream, type }: StoredEvent) =>
  type !== 'ReservationLapsed' && !stream.startsWith('reservation-');

/** The effects of all commands after `from`. Every command of these appends one event. */
export async function effectsByCommand(
  address: EventStoreConfig,
  from: Position | 'start',
): Promise<Effects> {
  const events = (await readLog(address, from)).filter(isEffect);
  const byCommand = Map.groupBy(events, ({ metadata }) => (metadata as { commandId: string }).commandId);
  const byStream = Map.groupBy(events, ({ stream }) => stream);
  return {
    twice: [...byCommand].flatMap(([command, all]) =>
      all.length > 1 ? `${command}: ${all.map(({ stream, type }) => `${type} in ${stream}`).join(', ')}` : [],
    ),
    streams: new Map([...byStream].map(([stream, all]) => [stream, all.length])),
  };
}
