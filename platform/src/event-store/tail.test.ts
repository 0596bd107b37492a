import { describe, expect, test } from 'vitest';
import { formatPosition } from './position.ts';
import { Tail, type TailEvent } from './tail.ts';

const at = (number: number): string => formatPosition('aaaaaaaa', number);

/** Entries numbered `from + 1` to `to`, of `bytes` each. */
function entries(from: number, to: number, bytes = 1): TailEvent[] {
  return Array.from({ length: to - from }, (_, index) => {
    const number = from + 1 + index;
    const event = {
      id: `${number}`,
      type: 'T',
      data: {},
      metadata: {},
      stream: 's',
      revision: 0,
      position: at(number),
    };
    return { event, bytes };
  });
}

describe('Tail', () => {
  test('gives what follows a position, up to the limit, and says where it is the head', () => {
    const tail = new Tail(at(10));
    tail.add(entries(10, 15), true);
    expect(tail.page(at(10), 2)).toMatchObject({
      events: [{ id: '11' }, { id: '12' }],
      through: at(12),
      isHead: false,
    });
    expect(tail.page(at(12), 3)).toMatchObject({ events: { length: 3 }, through: at(15), isHead: true });
    expect(tail.page(at(15), 3)).toEqual({ events: [], through: at(15), isHead: true });
  });

  test('is not at the head while more is known to follow', () => {
    const tail = new Tail(at(0));
    tail.add(entries(0, 2), false);
    expect(tail.page(at(1), 10)).toMatchObject({ through: at(2), isHead: false });
    tail.add([], true);
    expect(tail.page(at(2), 10)).toEqual({ events: [], through: at(2), isHead: true });
  });

  test('refuses what lies before it and what it has not reached', () => {
    const tail = new Tail(at(10));
    tail.add(entries(10, 12), true);
    expect(tail.page(at(9), 5)).toBeNull();
    expect(tail.page(at(13), 5)).toBeNull();
  });

  test.each([
    ['events', { events: 8, bytes: 1_000 }, 1],
    ['bytes', { events: 1_000, bytes: 8 }, 1],
    ['one event larger than the bounds', { events: 8, bytes: 8 }, 50],
  ])('forgets the oldest beyond its bounds (%s), never what is in between', (_, bounds, bytes) => {
    const tail = new Tail(at(0), bounds);
    for (let number = 0; number < 100; number++) {
      tail.add(entries(number, number + 1, bytes), true);
      const kept = Array.from({ length: number + 2 }, (_, after) => tail.page(at(after), 1_000)).map((page) =>
        page?.events.map((event) => Number(event.id)),
      );
      const oldest = kept.findIndex((page) => page !== undefined);
      expect(number + 1 - oldest).toBeLessThanOrEqual(8);
      for (let after = oldest; after <= number + 1; after++) {
        expect(kept[after]).toEqual(Array.from({ length: number + 1 - after }, (_, n) => after + 1 + n));
      }
    }
  });

  test('positions need not be gapless', () => {
    const tail = new Tail(at(0));
    tail.add([...entries(2, 3), ...entries(7, 8), ...entries(9, 10)], true);
    expect(tail.page(at(5), 1)).toMatchObject({ events: [{ id: '8' }], through: at(8), isHead: false });
    expect(tail.page(at(8), 5)).toMatchObject({ events: [{ id: '10' }], through: at(10) });
  });
});
