import { describe, expect, test, vi } from 'vitest';
import type { Held } from './held.ts';
import { createRepairs } from './repairs.ts';
import type { Claim, ConsumerStore, PendingRequest } from './store.ts';
import type { Term } from './term.ts';

const claim: Claim = {
  consumer: 'c_v1',
  epoch: 1,
  position: 'p1',
  isLive: true,
  heldAt: null,
  leaseMs: 1_000,
};
const skip: PendingRequest = { id: '1', consumer: 'c_v1', action: 'skip', position: 'p2' };

function setUp(heldAt?: string) {
  const commit = vi.fn<ConsumerStore<never>['commit']>(async (from, position) => ({ ...from, position }));
  const held: Held = { isAt: (position) => position === heldAt, begin: vi.fn(), end: vi.fn() };
  const term: Term = { apply: vi.fn(), repair: vi.fn<Term['repair']>(async (from) => from) };
  return { commit, held, term, repairs: createRepairs({ commit }, held) };
}

describe('a request to skip', () => {
  test.each([
    ['this process was held at', 'p2', claim],
    ['the owner before was held at', undefined, { ...claim, heldAt: 'p2' }],
  ])('passes over the event that %s', async (_, heldAt, own) => {
    const { repairs, term, commit, held } = setUp(heldAt);
    repairs.ask([skip]);
    expect(await repairs.carryOut(term, own)).toMatchObject({ position: 'p2' });
    expect(commit).toHaveBeenCalledWith(own, 'p2', null, { request: skip, outcome: 'skipped' });
    expect(held.end).toHaveBeenCalled();
    expect(await repairs.carryOut(term, own)).toBeUndefined();
  });

  test('passes over no other event', async () => {
    const { repairs, term, held } = setUp('p3');
    repairs.ask([skip]);
    expect(await repairs.carryOut(term, { ...claim, heldAt: 'p3' })).toMatchObject({ position: 'p1' });
    expect(held.end).not.toHaveBeenCalled();
  });
});

describe('requests', () => {
  test('wait until their commit succeeds, and not for another owner', async () => {
    const { repairs, term } = setUp();
    vi.mocked(term.repair).mockRejectedValueOnce(new Error('reset'));
    repairs.ask([{ id: '2', consumer: 'c_v1', action: 'retry', key: 'a' }]);
    await expect(repairs.carryOut(term, claim)).rejects.toThrow('reset');
    expect(await repairs.carryOut(term, claim)).toEqual(claim);
    repairs.ask([skip]);
    repairs.forget();
    expect(await repairs.carryOut(term, claim)).toBeUndefined();
  });
});
