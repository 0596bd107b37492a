import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CheckpointRow } from '../read-store/documents.ts';
import { Basis, createCoherence, type HeardCoherence } from './coherence.ts';

const at = (number: number) => `testlog0.${number.toString(16).padStart(16, '0')}`;
const row = (consumer: string, position: number, through = position, epoch = 1): CheckpointRow => ({
  consumer,
  position: at(position),
  through: at(through),
  isLive: true,
  epoch,
  parked: 0,
});

let rows: CheckpointRow[] | Error;
let coherence: HeardCoherence;

beforeEach(async () => {
  vi.useFakeTimers();
  rows = [row('list', 5), row('people', 3, 5)];
  coherence = createCoherence(async () => {
    if (rows instanceof Error) throw rows;
    return rows;
  });
  coherence.watch(['list', 'people']);
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  coherence.close();
  vi.useRealTimers();
});

const read = (list: number, people: number, epoch = 1) =>
  new Basis(
    [row('list', list, list, epoch), row('people', people, people, epoch)],
    at(Math.min(list, people)),
  );

describe('X5 what was read', () => {
  test('reflects the log as far as its views are known to be', () => {
    expect(coherence.reflects(read(5, 3))).toBe(at(5));
    coherence.heard([['list', at(5), at(9)]]);
    expect(coherence.reflects(read(5, 3))).toBe(at(5));
    coherence.heard([['people', at(3), at(8)]]);
    expect(coherence.reflects(read(5, 3))).toBe(at(8));
  });

  test('reflects nothing any more once one of its views has moved on', () => {
    const { version } = coherence;
    coherence.heard([['people', at(6), at(6)]]);
    expect(coherence.version).toBeGreaterThan(version);
    expect(coherence.reflects(read(5, 3))).toBeNull();
    expect(coherence.reflects(read(5, 6))).toBe(at(5));
  });

  test('before a view moved on reflects nothing, however late it comes', () => {
    const underWay = read(5, 3);
    coherence.heard([['list', at(6), at(6)]]);
    expect(coherence.reflects(underWay)).toBeNull();
  });

  test('reflects nothing once anybody has read a later checkpoint, until it is announced what changed', () => {
    const made = read(5, 3).of([{ view: 'people', key: 'grace' }]);
    const { version } = coherence;
    coherence.saw('people', at(6));
    expect(coherence.version).toBeGreaterThan(version);
    expect(coherence.reflects(made)).toBeNull();
    expect(coherence.reflects(read(5, 6))).toBe(at(5));
    coherence.heard([['people', at(6), at(6), [at(3), 'ada']]]);
    expect(coherence.reflects(made)).toBe(at(5));
    expect(coherence.reflects(read(5, 3))).toBeNull();
  });

  test('reflects nothing where the announcement was lost, once the checkpoint was looked at', async () => {
    rows = [row('list', 5), row('people', 7, 4)];
    await vi.advanceTimersByTimeAsync(600);
    expect(coherence.reflects(read(5, 3))).toBeNull();
    expect(coherence.reflects(read(5, 7))).toBe(at(5));
  });

  test('of another generation reflects nothing', async () => {
    rows = [row('list', 5, 5, 2), row('people', 3, 5, 2)];
    await vi.advanceTimersByTimeAsync(600);
    expect(coherence.reflects(read(5, 3, 1))).toBeNull();
    expect(coherence.reflects(read(5, 3, 2))).toBe(at(5));
  });

  test('is not sure while the checkpoints cannot be looked at, or none is answered', async () => {
    expect(coherence.isSure).toBe(true);
    rows = new Error('away');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(coherence.isSure).toBe(false);
    rows = [row('list', 5), row('people', 3, 5)];
    await vi.advanceTimersByTimeAsync(600);
    expect([coherence.isSure, coherence.reflects(read(5, 3))]).toEqual([true, at(5)]);
    vi.advanceTimersByTime(10_000);
    expect(coherence.isSure).toBe(false);
  });

  test('reflects the log while the documents that it was made of stay as they are', () => {
    const one = read(5, 3).of([{ view: 'people', key: 'ada' }]);
    const other = read(5, 3).of([{ view: 'people', key: 'grace' }]);
    coherence.heard([
      ['people', at(6), at(7), [at(3), 'ada', 'edith']],
      ['list', at(5), at(7)],
    ]);
    expect([coherence.reflects(one), coherence.reflects(other)]).toEqual([null, at(7)]);
    expect(coherence.reflects(read(5, 3)), 'made of no documents in particular').toBeNull();
    expect(coherence.reflects(read(5, 6).of([{ view: 'people', key: 'ada' }]))).toBe(at(7));
    coherence.heard([['people', at(8), at(8), [at(6), 'grace']]]);
    expect(coherence.reflects(other)).toBeNull();
  });

  test('reflects nothing where it is not told which documents changed, or not of all', async () => {
    const made = (people: number) => read(9, people).of([{ view: 'people', key: 'grace' }]);
    rows = [row('list', 9), row('people', 9)];
    coherence.heard([['list', at(9), at(9)]]);
    coherence.heard([['people', at(5), at(5), [at(4), 'ada']]]);
    expect(coherence.reflects(made(3)), 'a gap').toBeNull();
    coherence.heard([['people', at(6), at(6), [at(5), 'ada']]]);
    expect(coherence.reflects(made(5))).toBe(at(6));
    coherence.heard([['people', at(7), at(7)]]);
    expect(coherence.reflects(made(6)), 'too many').toBeNull();
    await vi.advanceTimersByTimeAsync(600);
    expect(coherence.reflects(made(7)), 'found by looking').toBeNull();
  });

  test('remembers a bounded number of changes', () => {
    for (let n = 0; n < 300; n++) {
      const keys = Array.from({ length: 100 }, (_, key) => `${n}-${key}`);
      coherence.heard([['people', at(11 + n), at(11 + n), [at(10 + n), ...keys]]]);
    }
    coherence.heard([['list', at(310), at(310)]]);
    const made = (people: number) => read(310, people).of([{ view: 'people', key: 'ada' }]);
    expect(coherence.reflects(made(300))).toBe(at(310));
    expect(coherence.reflects(made(50)), 'what changed since is forgotten').toBeNull();
  });

  test('of a view that nobody watches reflects nothing', () => {
    expect(coherence.reflects(new Basis([row('other', 5)], at(5)))).toBeNull();
  });
});
