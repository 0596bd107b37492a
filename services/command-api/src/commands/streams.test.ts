import type { DomainEvent } from '@annals/contracts/kit/event';
import type { EventLog } from '@annals/platform/event-log/log';
import { describe, expect, test } from 'vitest';
import type { Decider } from './decider.ts';
import { createStreams } from './streams.ts';

/** A text that grows by every event's. */
const decider: Decider<string> = {
  category: 'text',
  initial: '',
  evolve: (state, { data }) => state + String(data),
  keys: () => [],
  taken: {},
};
const ref = (id: string) => ({ decider, stream: `text-${id}` });

function logOf(events: readonly string[]): EventLog {
  const read = async (stream: string, { from = 0 } = {}) =>
    events.slice(from).map((data, index) => ({
      id: '',
      stream,
      type: 'Grown',
      data,
      revision: from + index,
      position: `p${from + index}`,
      metadata: {} as DomainEvent['metadata'],
    }));
  return { read } as unknown as EventLog;
}

describe('remembered states', () => {
  test('a load reads on from what is remembered', async () => {
    const events = ['a'];
    const streams = createStreams(logOf(events), { maxEntries: 10, maxBytes: 100_000 });
    await streams.load(ref('1'));
    events.push('b');
    const { snapshot, tail } = await streams.load(ref('1'));
    expect(snapshot).toMatchObject({ state: 'ab', revision: 1, position: 'p1' });
    expect(tail).toHaveLength(1);
  });

  test('never go back: what comes late is not remembered', async () => {
    const streams = createStreams(logOf(['a', 'b']), { maxEntries: 10, maxBytes: 100_000 });
    const { snapshot } = await streams.load(ref('1'));
    const start = { ...snapshot, revision: -1, state: '' };
    streams.advance(
      ref('1'),
      start,
      { events: [{ type: 'Grown', data: 'a' }] },
      { revision: 0, position: 'p0' },
    );
    expect(streams.cached(ref('1'))).toMatchObject({ state: 'ab', revision: 1 });
  });

  test('are bounded in number and in size', async () => {
    const streams = createStreams(logOf(['x'.repeat(10_000)]), { maxEntries: 3, maxBytes: 50_000 });
    for (const id of ['1', '2', '3', '4']) await streams.load(ref(id));
    const remembered = ['1', '2', '3', '4'].filter((id) => streams.cached(ref(id)));
    expect(remembered).toEqual(['3', '4']);
  });

  test('follow the keys that events take and give up', async () => {
    const streams = createStreams(logOf([]), { maxEntries: 10, maxBytes: 100_000 });
    const { snapshot } = await streams.load(ref('1'));
    const claims = [{ key: 'reservation-a', attempt: '1' }];
    streams.advance(
      ref('1'),
      snapshot,
      { events: [], claims, releases: [] },
      { revision: 0, position: 'p0' },
    );
    expect(streams.cached(ref('1'))?.claims).toEqual(new Map([['reservation-a', '1']]));
  });
});
