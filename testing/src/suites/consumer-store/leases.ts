import { viewName } from '@annals/platform/consumer/projection';
import { FingerprintChanged, LeaseLost } from '@annals/platform/consumer/store';
import { describe, expect, test } from 'vitest';
import {
  at,
  claimed,
  claimOf,
  projectionOf,
  registrationOf,
  START,
  type StoreFixture,
  writes,
} from './kit.ts';

/** Preparation, leases, candidates and status. */
export function leaseTests(fixture: StoreFixture): void {
  const { adapter, it } = fixture;

  describe('preparation', () => {
    test('any number of processes prepare at once, and the checkpoint starts at the start', async () => {
      const registration = registrationOf(projectionOf(adapter.kind));
      await Promise.all(
        [it().store, it().other, it().store].map((store) => store.prepare([registration], START)),
      );
      const claim = await claimOf(it().store, registration.consumer, 'one');
      expect(claim).toMatchObject({ position: START, isLive: false, heldAt: null });
    });

    test('a later preparation leaves checkpoint and view alone', async () => {
      const projection = projectionOf(adapter.kind);
      await it().store.prepare([registrationOf(projection)], START);
      const claim = await claimOf(it().store, viewName(projection), 'one');
      await it().store.commit(claim, at(5), writes({ upserts: { a: { count: 1, slug: 's' } } }));
      await it().other.prepare([registrationOf(projection)], START);
      const [status] = (await it().store.status()).filter(({ consumer }) => consumer === claim.consumer);
      expect(status).toMatchObject({ position: at(5), epoch: claim.epoch });
      expect(await it().texts(claim.consumer)).toEqual(new Map([['a', '{"count":1,"slug":"s"}']]));
    });

    test('a changed fingerprint under the same version is refused, and then nothing is prepared', async () => {
      const registration = registrationOf(projectionOf(adapter.kind));
      await it().store.prepare([registration], START);
      const fresh = registrationOf(projectionOf(adapter.kind));
      const preparing = it().other.prepare([fresh, { ...registration, fingerprint: 'another' }], START);
      await expect(preparing).rejects.toThrow(FingerprintChanged);
      await expect(preparing).rejects.toThrow(registration.consumer);
      expect(await it().store.claim(fresh.consumer, 'one', 1_000)).toBeNull();
    });
  });

  describe('leases', () => {
    test('of many claims at once exactly one succeeds', async () => {
      const registration = registrationOf(projectionOf(adapter.kind));
      await it().store.prepare([registration], START);
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          it().store.claim(registration.consumer, `owner-${index}`, 60_000),
        ),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
    });

    test('a lease is free once it has run out or was released, and each claim raises the epoch', async () => {
      const first = await claimed(fixture, 'one');
      expect(await it().other.claim(first.consumer, 'two', 60_000)).toBeNull();
      await it().expireLease(first.consumer);
      const second = await claimOf(it().other, first.consumer, 'two');
      expect(second.epoch).toBeGreaterThan(first.epoch);
      await it().store.release([first]);
      expect(await it().store.claim(first.consumer, 'one', 60_000)).toBeNull();
      await it().other.release([second]);
      expect((await claimOf(it().store, first.consumer, 'one')).epoch).toBeGreaterThan(second.epoch);
    });

    test('an owner takes its own lease again, which ends the term before', async () => {
      const first = await claimed(fixture, 'one');
      const second = await claimOf(it().store, first.consumer, 'one');
      await expect(it().store.commit(first, at(1), writes({}))).rejects.toThrow(LeaseLost);
      await it().store.commit(second, at(1), writes({}));
    });

    test('renewing keeps what is held and names what is lost', async () => {
      const [kept, lost] = [await claimed(fixture, 'one'), await claimed(fixture, 'one')];
      for (const { consumer } of [kept, lost]) await it().expireLease(consumer);
      await claimOf(it().other, lost.consumer, 'two');
      const holdings = [kept, lost].map((claim) => ({ claim, through: claim.position }));
      expect(await it().store.renew(holdings)).toEqual([lost]);
      expect(await it().other.claim(kept.consumer, 'two', 60_000)).toBeNull();
    });

    test('a commit keeps the lease as a renewal does', async () => {
      const claim = await claimed(fixture, 'one');
      await it().expireLease(claim.consumer);
      await it().store.commit(claim, at(1), writes({}));
      expect(await it().other.claim(claim.consumer, 'two', 60_000)).toBeNull();
    });

    test('`through` is stored while the checkpoint is where the claim says, and never goes back', async () => {
      const first = await claimed(fixture, 'one');
      const through = async () => (await statusOf(fixture, first.consumer)).through;
      await it().store.renew([{ claim: first, through: at(7) }]);
      expect(await through()).toBe(at(7));
      await it().store.renew([{ claim: first, through: at(6) }]);
      expect(await through()).toBe(at(7));
      await it().store.commit(first, at(9), writes({}));
      await it().store.renew([{ claim: first, through: at(20) }]);
      expect(await through()).toBe(at(9));
    });

    test('candidates are known until they leave or their time is over', async () => {
      const [a, b] = [registrationOf(projectionOf(adapter.kind)), registrationOf(projectionOf(adapter.kind))];
      const of = async (owner: string, consumers: string[], ttl: number) => {
        const all = await it().store.attend(owner, consumers, ttl);
        return all
          .filter(({ consumer }) => [a.consumer, b.consumer].includes(consumer))
          .map((one) => `${one.owner} ${one.consumer}`)
          .sort();
      };
      await of('late', [a.consumer], 0);
      await of('one', [a.consumer, b.consumer], 60_000);
      expect(await of('two', [b.consumer], 60_000)).toEqual([
        `one ${a.consumer}`,
        `one ${b.consumer}`,
        `two ${b.consumer}`,
      ]);
      await of('one', [a.consumer], 0);
      expect(await of('two', [], 60_000)).toEqual([`one ${b.consumer}`, `two ${b.consumer}`]);
    });
  });

  describe('status', () => {
    test('says who holds a consumer, whether it is live and what it is held at', async () => {
      const claim = await claimed(fixture, 'one');
      await it().store.hold(claim, { position: at(4), error: 'TypeError' });
      expect((await it().store.goLive(claim)).isLive).toBe(true);
      expect(await statusOf(fixture, claim.consumer)).toMatchObject({
        owner: 'one',
        isLive: true,
        parkedKeys: 0,
        held: { position: at(4), error: 'TypeError' },
      });
      const next = await claimOf(it().store, claim.consumer, 'one');
      expect(next.heldAt).toBe(at(4));
      expect(await it().store.commit(next, next.position, null)).toEqual(next);
      expect((await statusOf(fixture, claim.consumer)).held).not.toBeNull();
      expect(await it().store.commit(next, at(4), null)).toMatchObject({ heldAt: null });
      expect((await statusOf(fixture, claim.consumer)).held).toBeNull();
      await it().expireLease(claim.consumer);
      expect((await statusOf(fixture, claim.consumer)).owner).toBeNull();
    });

    test('a consumer that has gone back to an earlier position is held at nothing', async () => {
      const begun = await claimed(fixture, 'one');
      const claim = await it().store.commit(begun, at(3), null);
      await it().store.hold(claim, { position: at(4), error: 'TypeError' });
      const next = await claimOf(it().store, claim.consumer, 'one');
      expect(await it().store.commit(next, at(1), null)).toMatchObject({ position: at(1), heldAt: null });
      expect((await statusOf(fixture, claim.consumer)).held).toBeNull();
      expect((await claimOf(it().store, claim.consumer, 'one')).heldAt).toBeNull();
    });

    test('whoever has lost the lease changes neither hold nor liveness', async () => {
      const claim = await claimed(fixture, 'one');
      await it().expireLease(claim.consumer);
      await claimOf(it().other, claim.consumer, 'two');
      await it().store.hold(claim, { position: at(4), error: 'TypeError' });
      await it().store.goLive(claim);
      expect(await statusOf(fixture, claim.consumer)).toMatchObject({
        isLive: false,
        held: null,
        owner: 'two',
      });
    });
  });
}

async function statusOf({ it }: StoreFixture, consumer: string) {
  const found = (await it().store.status()).find((status) => status.consumer === consumer);
  if (!found) throw new Error(`${consumer} has no status`);
  return found;
}
