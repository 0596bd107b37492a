/** The relays: consumers of the log whose effects are records of the integration topics. */
import { type DomainEvent, streamCategory } from '@annals/contracts/kit/event';
import type { TopicRecord, Topics } from '@annals/contracts/kit/topic';
import { eventRecords, stateRecord } from '@annals/contracts/topics';
import { viewName } from '@annals/platform/consumer/projection';
import type { ReactionConsumer } from '@annals/platform/consumer/reaction';
import type { EventLog } from '@annals/platform/event-log/log';

export type Relay = ReactionConsumer<readonly TopicRecord[]>;

/** Streams that are read at once: some hold long texts. */
const STREAMS = 64;

/**
 * New kinds of events are relayed from the release on that knows them; a replay brings those of before. Large batches,
 * since every transaction costs the same.
 */
const common = {
  kind: 'reaction',
  version: 1,
  isOpenEnded: true,
  isReplayable: true,
  batchSize: 4_000,
} as const;

/** Events, each as it was. */
export function eventRelay(topics: Topics): Relay {
  return {
    ...common,
    name: 'topic_events',
    handles: new Set(topics.events.keys()),
    handle: async (events) => events.flatMap((event) => eventRecords(topics, event)),
  };
}

/**
 * The newest state of every subject that events touch, folded from its stream as it is now. So a replay takes no reader
 * back in time, and each subject comes once a batch.
 */
export function stateRelay({ states }: Topics, log: Pick<EventLog, 'read'>): Relay {
  const record = async (stream: string): Promise<TopicRecord[]> => {
    const state = states.get(streamCategory(stream));
    if (!state) return [];
    const found = stateRecord(state, await log.read(stream, { types: state.handles }));
    return found ? [found] : [];
  };
  return {
    ...common,
    name: 'topic_states',
    handles: new Set([...states.values()].flatMap(({ handles }) => [...handles])),
    async handle(events: readonly DomainEvent[]) {
      const streams = [...new Set(events.map(({ stream }) => stream))];
      const records: TopicRecord[] = [];
      for (let first = 0; first < streams.length; first += STREAMS)
        records.push(...(await Promise.all(streams.slice(first, first + STREAMS).map(record))).flat());
      return records;
    },
  };
}

/** The names of relays among all consumers. */
export function namesOf(relays: readonly Relay[]): readonly string[] {
  return relays.map(viewName);
}
