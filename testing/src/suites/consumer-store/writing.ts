import { LeaseLost, type ParkedEvent, WritesRefused } from '@annals/platform/consumer/store';
import { describe, expect, test } from 'vitest';
import { at, claimed, claimOf, START, type StoreFixture, writes } from './kit.ts';

/** Commits, parking and repairs. */
export function writingTests(fixture: StoreFixture): void {
  const { adapter, it } = fixture;
  const positionOf = async (consumer: string) =>
    (await it().store.status()).find((status) => status.consumer === consumer)?.position;

  describe('commits', () => {
    test('documents come back as they were written, and verbatim', async () => {
      const claim = await claimed(fixture);
      const doc = {
        zebra: 1,
        count: 3,
        slug: 'Ünïcødé ✓ 𝄞 "\\',
        more: { list: [1, null, { deep: [] }], '': 'x\ny' },
      };
      await it().store.commit(
        claim,
        at(1),
        writes({ upserts: { 'key ✓ {"}': doc, b: { count: 1, slug: '' } } }),
      );
      expect((await it().store.load(claim.consumer, ['b', 'key ✓ {"}', 'none'])).docs).toEqual(
        new Map<string, object>([
          ['key ✓ {"}', doc],
          ['b', { count: 1, slug: '' }],
        ]),
      );
      expect((await it().texts(claim.consumer)).get('key ✓ {"}')).toBe(JSON.stringify(doc));
      expect((await it().store.load(claim.consumer, [])).docs).toEqual(new Map());
    });

    test('checkpoint and view move together: upserts replace, deletes remove', async () => {
      const first = await claimed(fixture);
      const a = { count: 1, slug: 'a' };
      const second = await it().store.commit(first, at(1), writes({ upserts: { a, b: a } }));
      expect(second).toEqual({ ...first, position: at(1) });
      await it().store.commit(
        second,
        at(2),
        writes({ upserts: { a: { ...a, count: 2 } }, deletes: ['b', 'c'] }),
      );
      expect(await it().texts(first.consumer)).toEqual(new Map([['a', '{"count":2,"slug":"a"}']]));
      expect(await positionOf(first.consumer)).toBe(at(2));
    });

    test('a stolen lease writes nothing', async () => {
      const first = await claimed(fixture, 'one');
      await it().expireLease(first.consumer);
      const second = await claimOf(it().other, first.consumer, 'two');
      const late = it().store.commit(
        first,
        at(1),
        writes({ upserts: { a: { count: 1, slug: '' } }, parked: [parked('b', 1)] }),
      );
      await expect(late).rejects.toThrow(LeaseLost);
      expect(await it().texts(first.consumer)).toEqual(new Map());
      expect(await it().store.parkedKeys(first.consumer)).toEqual([]);
      expect(await positionOf(first.consumer)).toBe(START);
      await it().other.commit(second, at(1), writes({}));
    });

    test('a batch is written once, however often it is committed at once', async () => {
      const claim = await claimed(fixture);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 6 }, (_, count) =>
          it().store.commit(claim, at(1), writes({ upserts: { a: { count, slug: '' } } })),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(LeaseLost);
    });

    const large = adapter.large ?? 5_000;
    test(`a batch of ${large} documents is one commit`, async () => {
      const claim = await claimed(fixture);
      const upserts = Object.fromEntries(
        Array.from({ length: large }, (_, count) => [`key-${count}`, { count, slug: `s${count}` }]),
      );
      const next = await it().store.commit(claim, at(5_000), writes({ upserts }));
      expect((await it().store.load(claim.consumer, Object.keys(upserts))).docs.size).toBe(large);
      await it().store.commit(next, at(5_001), writes({ deletes: Object.keys(upserts).slice(1) }));
      expect([...(await it().texts(claim.consumer)).keys()]).toEqual(['key-0']);
    });

    const { isAtomic = true } = adapter;
    const rest = isAtomic ? 'nothing of the batch is written' : 'the checkpoint stays';
    test(`what the database refuses is named key by key, and ${rest}`, async () => {
      const claim = await claimed(fixture);
      const good = Object.fromEntries(
        Array.from({ length: 20 }, (_, count) => [`good-${count}`, { count, slug: '' }]),
      );
      const bad = { 'bad-1': adapter.refused, 'bad-2': adapter.refused };
      const error = await it()
        .store.commit(claim, at(1), writes({ upserts: { ...bad, ...good } }))
        .catch((caught: unknown) => caught);
      if (!(error instanceof WritesRefused)) throw error;
      expect([...error.refused.keys()].sort()).toEqual(['bad-1', 'bad-2']);
      if (isAtomic) expect(await it().texts(claim.consumer)).toEqual(new Map());
      expect(await positionOf(claim.consumer)).toBe(START);
      await it().store.commit(claim, at(1), writes({ upserts: good }));
      expect([...(await it().texts(claim.consumer)).keys()].sort()).toEqual(Object.keys(good).sort());
    });

    test('what JSON cannot hold is refused by its key', async () => {
      const claim = await claimed(fixture);
      const upserts = { good: { count: 1, slug: '' }, bad: { count: 1, slug: '', more: 1n } };
      const error = await it()
        .store.commit(claim, at(1), writes({ upserts }))
        .catch((caught: unknown) => caught);
      expect(error instanceof WritesRefused && [...error.refused]).toEqual([['bad', 'TypeError']]);
    });
  });

  describe('parked events', () => {
    test('queue in order behind their key, page by page', async () => {
      const first = await claimed(fixture);
      const second = await it().store.commit(
        first,
        at(3),
        writes({ parked: [parked('a', 1, 'TypeError'), parked('b', 2, '22003'), parked('a', 3)] }),
      );
      await it().store.commit(second, at(4), writes({ parked: [parked('a', 4)] }));
      expect(await it().store.parkedKeys(first.consumer)).toEqual(['a', 'b']);
      const page = await it().store.parkedEvents(first.consumer, 'a', null, 2);
      expect(page).toEqual([parked('a', 1, 'TypeError'), parked('a', 3)]);
      expect(await it().store.parkedEvents(first.consumer, 'a', at(3), 2)).toEqual([parked('a', 4)]);
      const status = (await it().store.status()).find(({ consumer }) => consumer === first.consumer);
      expect(status?.parkedKeys).toBe(2);
    });

    test('are drained in the transaction of the commit that carries out a request', async () => {
      const first = await claimed(fixture);
      const { consumer } = first;
      const second = await it().store.commit(
        first,
        at(2),
        writes({ parked: [parked('a', 1, 'TypeError'), parked('b', 2, 'TypeError')] }),
      );
      const id = await it().other.request({ consumer, action: 'retry', key: 'a' });
      const [request] = await it().store.pending([consumer]);
      if (!request) throw new Error('no request');
      expect(request).toMatchObject({ id, consumer, action: 'retry', key: 'a' });
      const repair = { request, outcome: 'retried', unparked: 'a' };
      const upserts = { a: { count: 1, slug: '' } };
      await expect(it().store.commit(first, at(2), writes({ upserts }), repair)).rejects.toThrow(LeaseLost);
      expect(await it().store.parkedKeys(consumer)).toEqual(['a', 'b']);
      await it().store.commit(second, second.position, writes({ upserts }), repair);
      expect(await it().store.parkedKeys(consumer)).toEqual(['b']);
      expect(await it().store.parkedEvents(consumer, 'a', null, 10)).toEqual([]);
      expect([...(await it().texts(consumer)).keys()]).toEqual(['a']);
      expect(await it().store.pending([consumer])).toEqual([]);
      expect((await it().store.requests()).find((one) => one.id === id)?.outcome).toBe('retried');
    });

    test('requests wait for their own consumer, oldest first', async () => {
      const [one, two] = [await claimed(fixture), await claimed(fixture)];
      await it().store.request({ consumer: one.consumer, action: 'skip', position: at(9) });
      await it().store.request({ consumer: two.consumer, action: 'discard', key: 'x' });
      await it().store.request({ consumer: one.consumer, action: 'discard', key: 'y' });
      expect(await it().store.pending([one.consumer])).toMatchObject([
        { action: 'skip', position: at(9) },
        { action: 'discard', key: 'y' },
      ]);
    });
  });
}

function parked(key: string, number: number, error: string | null = null): ParkedEvent {
  return { key, stream: `thing-${key}`, revision: number, position: at(number), error };
}
