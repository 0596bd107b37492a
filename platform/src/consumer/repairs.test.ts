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

/** Held at an event until that ends. */
function fakeHeld(position?: string): Held {
  let current = position;
  return {
    isAt: (one) => one === current,
    begin: vi.fn(),
    end: vi.fn(() => {
      current = undefined;
    }),
  };
}

function setUp(held = fakeHeld()) {
  const commit = vi.fn<ConsumerStore<never>['commit']>(async (from, position) => ({ ...from, position }));
  const term: Term = { apply: vi.fn(), repair: vi.fn<Term['repair']>(async (from) => from) };
  return { commit, held, term, repairs: createRepairs({ commit }, held) };
}

describe('a request to skip', () => {
  test.each([
    ['this process was held at', 'p2', claim],
    ['the owner before was held at', undefined, { ...claim, heldAt: 'p2' }],
  ])('passes over the event that %s', async (_, heldAt, own) => {
    const { repairs, term, commit, held } = setUp(fakeHeld(heldAt));
    repairs.ask([skip]);
    expect(await repairs.carryOut(term, own)).toMatchObject({ position: 'p2' });
    expect(commit).toHaveBeenCalledWith(own, 'p2', null, { request: skip, outcome: 'skipped' });
    expect(held.end).toHaveBeenCalled();
    expect(await repairs.carryOut(term, own)).toBeUndefined();
  });

  test('does not undo a replay that was asked for before it', async () => {
    const held = fakeHeld('p2');
    const { repairs, term, commit } = setUp(held);
    vi.mocked(term.repair).mockImplementationOnce(async (from) => ({ ...from, position: 'p0' }));
    repairs.ask([{ id: '0', consumer: 'c_v1', action: 'replay', position: 'p0' }, skip]);
    const replaying = await repairs.carryOut(term, claim);
    expect(await repairs.carryOut(term, replaying ?? claim)).toMatchObject({ position: 'p0' });
    expect(commit).toHaveBeenCalledWith(replaying, 'p0', null, { request: skip, outcome: 'not held there' });
  });

  test('is valid still after a repair that has not moved the checkpoint', async () => {
    const { repairs, term } = setUp(fakeHeld('p2'));
    repairs.ask([{ id: '0', consumer: 'c_v1', action: 'retry', key: 'a' }, skip]);
    await repairs.carryOut(term, claim);
    expect(await repairs.carryOut(term, claim)).toMatchObject({ position: 'p2' });
  });

  test('passes over no other event', async () => {
    const { repairs, term, held } = setUp(fakeHeld('p3'));
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
