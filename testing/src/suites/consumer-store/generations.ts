import { besideOf } from '@annals/platform/consumer/projection';
import {
  type Claim,
  GenerationBehind,
  LeaseLost,
  type PendingGeneration,
} from '@annals/platform/consumer/store';
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

const doc = (count: number) => ({ count, slug: `s${count}` });
const parked = (key: string) => ({
  key,
  stream: 'thing-1',
  revision: 1,
  position: at(1),
  error: 'TypeError',
});

/** Generations beside each other, and parts of views as of one moment. */
export function generationTests(fixture: StoreFixture): void {
  const { it } = fixture;

  const statusOf = async (consumer: string) =>
    (await it().store.status()).find((status) => status.consumer === consumer);

  const asked = async (
    consumer: string,
    action: PendingGeneration['action'],
  ): Promise<PendingGeneration> => ({
    consumer,
    action,
    id: await it().store.request({ consumer, action }),
  });

  /** A live view at 5 with `a`, and beside it a newer one at `position` with `b`. */
  const twoGenerations = async (position: string) => {
    const first = await it().store.goLive(await claimed(fixture, 'one'));
    const { consumer } = first;
    const live = await it().store.commit(
      first,
      at(5),
      writes({ upserts: { a: doc(1) }, parked: [parked('live')] }),
    );
    await it().store.begin(consumer, START, 0);
    const begun = await claimOf(it().other, besideOf(consumer), 'two');
    const beside = await it().other.commit(
      await it().other.goLive(begun),
      position,
      writes({ upserts: { b: doc(2) }, parked: [parked('new'), parked('live')] }),
    );
    return { consumer, live, beside };
  };

  describe('a generation beside', () => {
    test('begins empty, at the start, free, and leaves the live one alone', async () => {
      const live = await claimed(fixture, 'one');
      await it().store.commit(live, at(5), writes({ upserts: { a: doc(1) } }));
      await Promise.all(
        [it().store, it().other, it().store].map((store) => store.begin(live.consumer, START, 0)),
      );
      const beside = besideOf(live.consumer);
      expect(await statusOf(beside)).toMatchObject({
        position: START,
        generation: 2,
        isLive: false,
        owner: null,
      });
      expect(await statusOf(live.consumer)).toMatchObject({ position: at(5), generation: 1, owner: 'one' });
      const claim = await claimOf(it().other, beside, 'two');
      await it().other.commit(claim, at(3), writes({ upserts: { b: doc(2) } }));
      await it().store.begin(live.consumer, START, 0);
      expect([...(await it().texts(beside)).keys()]).toEqual(['b']);
      expect([...(await it().texts(live.consumer)).keys()]).toEqual(['a']);
    });

    test('becomes live with all that belongs to it, and the former live one stands beside', async () => {
      const { consumer } = await twoGenerations(at(7));
      const request = await asked(consumer, 'switch');
      await it().store.swap(request, 'switched');
      const beside = besideOf(consumer);
      expect(await statusOf(consumer)).toMatchObject({
        generation: 2,
        position: at(7),
        isLive: true,
        owner: null,
      });
      expect(await statusOf(beside)).toMatchObject({ generation: 1, position: at(5), owner: null });
      expect([...(await it().texts(consumer)).keys()]).toEqual(['b']);
      expect([...(await it().texts(beside)).keys()]).toEqual(['a']);
      expect(await it().store.parkedKeys(consumer)).toEqual(['live', 'new']);
      expect(await it().store.parkedKeys(beside)).toEqual(['live']);
      expect(await it().store.parkedEvents(beside, 'live', null, 10)).toHaveLength(1);
      const status = (await it().store.requests()).find(({ id }) => id === request.id);
      expect(status).toMatchObject({ action: 'switch', outcome: 'switched' });
      // The same request again, as by an owner that had not heard of it.
      await it().other.swap(request, 'switched');
      expect(await statusOf(consumer)).toMatchObject({ generation: 2 });
    });

    test('may be swapped back, as long as it is folded', async () => {
      const { consumer } = await twoGenerations(at(5));
      await it().store.swap(await asked(consumer, 'switch'), 'switched');
      await it().store.commit(await claimOf(it().store, consumer, 'one'), at(9), writes({}));
      await expect(it().store.swap(await asked(consumer, 'rollback'), 'rolled back')).rejects.toThrow(
        GenerationBehind,
      );
      const beside = await claimOf(it().store, besideOf(consumer), 'one');
      await it().store.commit(beside, at(9), writes({ upserts: { c: doc(3) } }));
      await it().store.swap(await asked(consumer, 'rollback'), 'rolled back');
      expect(await statusOf(consumer)).toMatchObject({ generation: 1, position: at(9) });
      expect([...(await it().texts(consumer)).keys()]).toEqual(['a', 'c']);
    });

    test('does not become live while it lacks what the live one reflects', async () => {
      const { consumer } = await twoGenerations(at(4));
      const request = await asked(consumer, 'switch');
      await expect(it().store.swap(request, 'switched')).rejects.toThrow(GenerationBehind);
      expect(await statusOf(consumer)).toMatchObject({ generation: 1, position: at(5), owner: 'one' });
      expect([...(await it().texts(consumer)).keys()]).toEqual(['a']);
      expect(await it().store.pending([consumer])).toEqual([expect.objectContaining({ id: request.id })]);
    });

    test('says no less after a switch than the one before did: what lies between was nothing to either', async () => {
      const { consumer, live, beside } = await twoGenerations(at(3));
      await it().store.renew([{ claim: live, through: at(8) }]);
      await it().other.renew([{ claim: beside, through: at(6) }]);
      await it().store.swap(await asked(consumer, 'switch'), 'switched');
      expect(await statusOf(consumer)).toMatchObject({ position: at(5), through: at(8) });
    });

    test('owners of before a switch write into neither', async () => {
      const { consumer, live, beside } = await twoGenerations(at(5));
      // Counted for itself, the newer one's epoch would next be that of the live one's owner.
      let busy = live;
      while (busy.epoch < beside.epoch + 2) busy = await claimOf(it().store, consumer, 'one');
      await it().store.swap(await asked(consumer, 'switch'), 'switched');
      const again = await claimOf(it().store, consumer, 'one');
      expect(again.epoch).toBeGreaterThan(Math.max(live.epoch, busy.epoch));
      const upserts = { stale: doc(9) };
      const stale: readonly Claim[] = [live, beside, busy];
      for (const claim of stale) {
        await expect(it().store.commit(claim, at(9), writes({ upserts }))).rejects.toThrow(LeaseLost);
      }
      expect([...(await it().texts(consumer)).keys()]).toEqual(['b']);
      expect([...(await it().texts(besideOf(consumer))).keys()]).toEqual(['a']);
    });

    test('an older one is dropped for a newer one', async () => {
      const { consumer } = await twoGenerations(at(5));
      await it().store.swap(await asked(consumer, 'switch'), 'switched');
      await it().store.begin(consumer, START, 10);
      expect(await statusOf(besideOf(consumer))).toMatchObject({ generation: 3, position: START });
      expect((await it().texts(besideOf(consumer))).size).toBe(0);
      expect(await it().store.parkedKeys(besideOf(consumer))).toEqual([]);
    });

    test('that is dropped is gone at once for its owner, and can be begun again', async () => {
      const { consumer, beside } = await twoGenerations(at(5));
      const dropping = it().store.drop(besideOf(consumer), 100);
      await expect.poll(async () => it().other.renew([{ claim: beside, through: at(6) }])).toEqual([beside]);
      expect((await it().other.load(besideOf(consumer), ['b'])).docs).toEqual(new Map([['b', doc(2)]]));
      await dropping;
      await it().store.drop(besideOf(consumer), 0);
      await it().store.begin(consumer, START, 0);
      expect((await it().texts(besideOf(consumer))).size).toBe(0);
    });

    test('that begins while the one before is still being dropped keeps what it holds', async () => {
      const { consumer } = await twoGenerations(at(5));
      const beside = besideOf(consumer);
      const dropping = it().other.drop(beside, 1_000);
      await expect.poll(() => statusOf(beside)).toBeUndefined();
      await it().store.begin(consumer, START, 0);
      const claim = await claimOf(it().store, beside, 'one');
      await it().store.commit(claim, at(1), writes({ upserts: { c: doc(3) } }));
      await dropping;
      expect([...(await it().texts(beside)).keys()]).toEqual(['c']);
    });

    test('is outdated once it has been live', async () => {
      const { consumer } = await twoGenerations(at(5));
      expect(await it().store.outdated(0)).not.toContain(besideOf(consumer));
      await it().store.swap(await asked(consumer, 'switch'), 'switched');
      expect(await it().store.outdated(60_000)).not.toContain(besideOf(consumer));
      expect(await it().store.outdated(0)).toContain(besideOf(consumer));
    });
  });

  describe('what a drop has left that was killed', () => {
    test('of a generation is dropped by and by, and not what is in use', async () => {
      const { consumer } = await twoGenerations(at(5));
      await it().store.swap(await asked(consumer, 'switch'), 'switched');
      const [both, texts] = [await it().tables(consumer), await it().texts(consumer)];
      await it().store.dropLeft(0);
      expect(await it().tables(consumer)).toEqual(both);

      await it().beginDrop(besideOf(consumer));
      expect(await it().store.dropLeft(60_000)).toEqual([]);
      expect(await it().tables(consumer)).toEqual(both);
      const left = await it().store.dropLeft(0);
      expect(left).toHaveLength(1);
      expect(await it().tables(consumer)).toEqual(both.filter((name) => !left.includes(name)));
      expect(await it().texts(consumer)).toEqual(texts);
      expect(await it().store.parkedKeys(consumer)).toEqual(['live', 'new']);
      expect(await it().store.dropLeft(0)).toEqual([]);
    });

    test('of a version is dropped, unless the version is back by then', async () => {
      const registrations = [0, 1].map(() => registrationOf(projectionOf(fixture.adapter.kind)));
      await it().store.prepare(registrations, START);
      const [gone = '', back = ''] = registrations.map(({ consumer }) => consumer);
      for (const consumer of [gone, back]) await it().beginDrop(consumer);
      expect(await it().other.dropLeft(60_000)).toEqual([]);
      await it().store.prepare(registrations.slice(1), START);
      await it().other.dropLeft(0);
      expect(await it().tables(gone)).toEqual([]);
      expect(await it().tables(back)).toHaveLength(1);
      expect(await it().texts(back)).toEqual(new Map());
    });
  });

  test('a version that was dropped by half begins empty, and loses nothing to the end of the drop', async () => {
    const registration = registrationOf(projectionOf(fixture.adapter.kind));
    const { consumer } = registration;
    for (const store of [it().store, it().other]) await store.prepare([registration], START);
    const claim = await claimOf(it().store, consumer, 'one');
    const upserts = { a: doc(1) };
    await it().store.commit(claim, at(5), writes({ upserts, parked: [parked('a')] }));
    const dropping = it().other.drop(consumer, 1_500);
    await expect.poll(() => statusOf(consumer)).toBeUndefined();
    await it().store.prepare([registration], START);
    expect(await statusOf(consumer)).toMatchObject({ position: START, parkedKeys: 0 });
    expect(await it().texts(consumer)).toEqual(new Map());
    const again = await claimOf(it().store, consumer, 'two');
    await it().store.commit(again, at(1), writes({ upserts: { b: doc(2) } }));
    await dropping;
    expect([...(await it().texts(consumer)).keys()]).toEqual(['b']);
    expect(await it().store.parkedKeys(consumer)).toEqual([]);
  });

  describe('requests about generations', () => {
    test('tell how far they are, and end once', async () => {
      const { consumer } = await claimed(fixture);
      const request = await asked(consumer, 'verify');
      const own = async () => (await it().other.requests()).find(({ id }) => id === request.id);
      const report = { phase: 'verifying', fraction: 0.5, since: '2026-11-22T10:00:00.000Z' } as const;
      await it().store.report(request, report);
      expect(await own()).toEqual({ ...request, key: null, position: null, outcome: null, report });
      await it().store.finish(request, 'equal', { ...report, phase: 'done', fraction: 1 });
      await it().store.report(request, report);
      await it().store.finish(request, 'late', null);
      expect(await own()).toMatchObject({ outcome: 'equal', report: { phase: 'done', fraction: 1 } });
      expect(await it().store.pending([consumer])).toEqual([]);
    });

    test('to drop what nobody attends wait for everybody', async () => {
      const { consumer } = await claimed(fixture);
      const request = await asked(consumer, 'drop');
      const isOffered = async () => (await it().store.pending([])).some(({ id }) => id === request.id);
      expect(await isOffered()).toBe(true);
      await it().store.attend('one', [consumer], 60_000);
      expect(await isOffered()).toBe(false);
    });
  });

  describe('a part of a view', () => {
    test('is read as of one moment, with what is parked', async () => {
      const claim = await claimed(fixture);
      const { consumer } = claim;
      const upserts = { a: doc(1), b: doc(2), c: doc(3), é: doc(4) };
      const next = await it().store.commit(
        claim,
        at(4),
        // What is parked of `b` came after what its document reflects.
        writes({ upserts, parked: [parked('b'), parked('z')], positions: new Map([['b', START]]) }),
      );
      await it().store.renew([{ claim: next, through: at(6) }]);
      expect(await it().store.count(consumer)).toBe(4);
      expect(await it().store.snapshot(consumer, { after: 'a', upTo: 'c' })).toEqual({
        position: at(4),
        through: at(6),
        docs: new Map([
          ['b', doc(2)],
          ['c', doc(3)],
        ]),
        parked: new Set(['b']),
        skewed: [],
      });
      const all = await it().store.snapshot(consumer, { after: null, upTo: null });
      expect([...all.docs.keys()]).toEqual(['a', 'b', 'c', 'é']);
    });

    test('is as large as it may be', async () => {
      const claim = await claimed(fixture);
      const { consumer } = claim;
      const end = (after: string | null, rows: number, bytes: number) =>
        it().store.pageEnd(consumer, after, { rows, bytes });
      expect(await end(null, 10, 1_000)).toBeNull();
      const upserts = { a: doc(1), b: { count: 2, slug: 'x'.repeat(500) }, c: doc(3) };
      await it().store.commit(claim, at(4), writes({ upserts }));
      expect(await end(null, 3, 1_000)).toBeNull();
      expect(await end(null, 2, 1_000)).toBe('b');
      expect(await end(null, 3, 100)).toBe('a');
      expect(await end('a', 3, 100)).toBe('b');
      expect(await end('b', 3, 100)).toBeNull();
    });
  });
}
