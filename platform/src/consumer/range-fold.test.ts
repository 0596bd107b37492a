import type { DomainEvent } from '@annals/contracts/kit/event';
import { counting } from '@annals/testing/consumer-kit';
import { describe, expect, test } from 'vitest';
import { RangeFold } from './range-fold.ts';

let revision = 0;

function counted(id: string): DomainEvent {
  const type = 'Counted';
  return {
    type,
    data: { id, by: 1 },
    stream: `counter-${id}`,
    revision: revision++,
  } as unknown as DomainEvent;
}

describe('a fold of a key range', () => {
  test('takes in what lies in it, bytewise', () => {
    const fold = new RangeFold(counting(), { after: 'b', upTo: '\uffee' });
    // By code units the last one would lie before the end of the range.
    for (const id of ['a', 'b', 'ba', 'z', 'é', '\uffee', '𝄞']) fold.take(counted(id));
    expect([...fold.docs.keys()]).toEqual(['ba', 'z', 'é', '\uffee']);
    expect(fold.range).toEqual({ after: 'b', upTo: '\uffee' });
  });

  test('ends earlier where there is too much in it, with all that is left complete', () => {
    const fold = new RangeFold(counting(), { after: null, upTo: null }, 10);
    const ids = Array.from({ length: 26 }, (_, at) => String.fromCharCode(97 + ((at * 7) % 26)));
    for (const id of [...ids, ...ids]) fold.take(counted(id));
    const { upTo } = fold.range;
    if (upTo === null) throw new Error('it has not become smaller');
    expect([...fold.docs.keys()].sort()).toEqual(ids.filter((id) => id <= upTo).sort());
    expect(fold.docs.size).toBeLessThanOrEqual(10);
    for (const doc of fold.docs.values()) expect(doc).toMatchObject({ count: 2 });
  });

  test('leaves a document as it was before its fold threw, and passes over events without keys', () => {
    let isBad = false;
    const fail = () => {
      if (isBad) throw new TypeError('bad');
    };
    const fold = new RangeFold(counting({ onEvolve: fail }), { after: null, upTo: null });
    fold.take(counted('a'));
    isBad = true;
    fold.take(counted('a'));
    isBad = false;
    fold.take(counted('a'));
    expect(fold.docs.get('a')).toMatchObject({ count: 1 });
    expect([...fold.failed]).toEqual(['a']);
    const keyless = new RangeFold(counting({ onKeys: () => fail() }), { after: null, upTo: null });
    isBad = true;
    keyless.take(counted('a'));
    expect(keyless.docs.size).toBe(0);
  });
});
