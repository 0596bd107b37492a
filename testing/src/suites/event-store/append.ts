import {
  EventTooLarge,
  type ExpectedRevision,
  MAX_EVENT_BYTES,
  RevisionConflict,
} from '@annals/platform/event-store/port';
import { describe, expect, test } from 'vitest';
import { errorOf, type Fixture, newEvent, newEvents, newStream, take } from './kit.ts';

export function appendTests({ store, other }: Fixture): void {
  describe('append', () => {
    test('what was appended is read back as it was, with revisions from 0', async () => {
      const stream = newStream();
      const data = { text: 'x', number: 1.5, nothing: null, list: [1, { deep: true }], empty: {} };
      const events = [newEvent(data, 'ThingOpened'), newEvent('a string'), newEvent(null)];
      const result = await store().append(stream, events, 'none');
      const read = await other().read(stream);
      expect(read).toEqual(
        events.map((event, revision) => ({ ...event, stream, revision, position: expect.any(String) })),
      );
      expect(result).toEqual({ revision: 2, position: read[2]?.position });
    });

    test('an append is taken as it was when it was made', async () => {
      const stream = newStream();
      const data = { value: 'first' };
      const appending = store().append(stream, [newEvent(data)], 'none');
      data.value = 'changed';
      await appending;
      expect((await store().read(stream))[0]?.data).toEqual({ value: 'first' });
    });

    test('positions ascend within an append and from append to append', async () => {
      const stream = newStream();
      const before = await store().head();
      const first = await store().append(stream, newEvents(3), 'none');
      const second = await other().append(newStream(), newEvents(2), 'none');
      const positions = (await store().read(stream)).map((event) => event.position);
      const all = [before, ...positions, second.position];
      expect(all).toEqual([...all].sort());
      expect(new Set(all).size).toBe(5);
      expect(positions[2]).toBe(first.position);
    });

    test.each<[string, number, ExpectedRevision, number | 'none']>([
      ['none where the stream is there', 2, 'none', 1],
      ['an older revision', 3, 1, 2],
      ['a revision yet to come', 1, 1, 0],
      ['a revision where there is no stream', 0, 0, 'none'],
    ])('%s is a conflict that tells the actual revision', async (_, length, expected, actual) => {
      const stream = newStream();
      if (length > 0) await store().append(stream, newEvents(length), 'none');
      const error = await errorOf(store().append(stream, newEvents(1), expected));
      expect(error).toBeInstanceOf(RevisionConflict);
      expect(error).toMatchObject({ stream, expected, actual });
      expect(await store().read(stream)).toHaveLength(length);
    });

    test('any appends wherever the stream is, also where it is not there', async () => {
      const stream = newStream();
      expect((await store().append(stream, newEvents(2), 'any')).revision).toBe(1);
      expect((await other().append(stream, newEvents(2), 'any')).revision).toBe(3);
    });

    test('of appends that race at one revision exactly one wins', async () => {
      const stream = newStream();
      await store().append(stream, newEvents(1), 'none');
      const stores = [store(), other()];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, async (_, n) => stores[n % 2]?.append(stream, newEvents(1), 0)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ actual: 1 });
      }
      expect(await store().read(stream)).toHaveLength(2);
    });

    test('a conflict among appends made at once fails alone', async () => {
      const taken = newStream();
      await store().append(taken, newEvents(3), 'none');
      const streams = Array.from({ length: 60 }, () => newStream());
      const append = (stream: string) => store().append(stream, newEvents(2), 'none');
      const before = streams.slice(0, 30).map(append);
      const conflict = errorOf(store().append(taken, newEvents(1), 1));
      const after = streams.slice(30).map(append);
      expect(await conflict).toMatchObject({ name: 'RevisionConflict', actual: 2 });
      const revisions = (await Promise.all([...before, ...after])).map((result) => result.revision);
      expect(revisions).toEqual(streams.map(() => 1));
    });

    test('refuses to append nothing, a revision that is none, and what is not JSON', async () => {
      expect(await errorOf(store().append(newStream(), [], 'any'))).toBeInstanceOf(TypeError);
      expect(await errorOf(store().append(newStream(), newEvents(1), -1))).toBeInstanceOf(TypeError);
      expect(await errorOf(store().append(newStream(), newEvents(1), 0.5))).toBeInstanceOf(TypeError);
      expect(
        await errorOf(store().append(newStream(), [{ ...newEvent(), data: undefined }], 'any')),
      ).toBeInstanceOf(TypeError);
    });
  });

  idempotenceTests({ store, other });
  extremesTests({ store, other });
}

function idempotenceTests({ store, other }: Pick<Fixture, 'store' | 'other'>): void {
  describe('append again', () => {
    test.each<[string, number, ExpectedRevision]>([
      ['none', 0, 'none'],
      ['a revision', 4, 3],
    ])('the same ids at the same place (%s) give the first result, once', async (_, length, expected) => {
      const stream = newStream();
      if (length > 0) await store().append(stream, newEvents(length), 'none');
      const events = newEvents(3);
      const first = await store().append(stream, events, expected);
      expect(await store().append(stream, events, expected)).toEqual(first);
      await store().append(stream, newEvents(2), first.revision);
      expect(await other().append(stream, events, expected)).toEqual(first);
      expect(await store().read(stream)).toHaveLength(length + 5);
    });

    test('the same append made twice at once happens once', async () => {
      const stream = newStream();
      const events = newEvents(2);
      const results = await Promise.all([
        store().append(stream, events, 'none'),
        store().append(stream, events, 'none'),
        other().append(stream, events, 'none'),
      ]);
      expect(new Set(results.map(({ position }) => position)).size).toBe(1);
      expect(await store().read(stream)).toHaveLength(2);
    });

    test('other ids at the place, more of them, or the same ids at another place are a conflict', async () => {
      const stream = newStream();
      const events = newEvents(2);
      await store().append(stream, events, 'none');
      const conflict = { name: 'RevisionConflict', actual: 1 };
      const [first] = events;
      if (!first) throw new Error('no event');
      expect(await errorOf(store().append(stream, newEvents(2), 'none'))).toMatchObject(conflict);
      expect(await errorOf(store().append(stream, [...events, newEvent()], 'none'))).toMatchObject(conflict);
      expect(await errorOf(store().append(stream, [first, newEvent()], 'none'))).toMatchObject(conflict);
      expect(await errorOf(store().append(stream, events, 0))).toMatchObject(conflict);
      expect(await store().read(stream)).toHaveLength(2);
    });
  });
}

function extremesTests({ store, other }: Pick<Fixture, 'store' | 'other'>): void {
  describe('extremes', () => {
    test('1,000 appends at once over 50 streams: ordered, contiguous, none skipped by a live subscriber', async () => {
      const from = await store().head();
      const streams = Array.from({ length: 50 }, () => newStream());
      const live = take(other().subscribe({ from }), (events) => events.length === 1_000);
      const results = await Promise.all(
        Array.from({ length: 1_000 }, async (_, n) => {
          const stream = streams[n % 50] ?? '';
          return { stream, ...(await store().append(stream, [newEvent({ n })], 'any')) };
        }),
      );
      const { events } = await live;
      const positions = events.map((event) => event.position);
      expect(positions).toEqual([...positions].sort());
      expect(new Set(positions)).toEqual(new Set(results.map((result) => result.position)));
      for (const stream of streams) {
        const revisions = events.filter((event) => event.stream === stream).map((event) => event.revision);
        expect(revisions).toEqual(Array.from({ length: 20 }, (_, revision) => revision));
      }
    });

    test('an event of 900 KB, and not a byte more', async () => {
      const stream = newStream();
      const event = { ...newEvent(), metadata: {} };
      const room = MAX_EVENT_BYTES - Buffer.byteLength('{}""') - Buffer.byteLength(event.type);
      const text = 'é'.repeat(Math.floor(room / 2)).padEnd(Math.ceil(room / 2), 'x');
      await store().append(stream, [{ ...event, data: text }], 'none');
      expect((await other().read(stream))[0]?.data).toBe(text);
      const error = await errorOf(store().append(stream, [{ ...event, data: `${text}xx` }], 0));
      expect(error).toBeInstanceOf(EventTooLarge);
    });

    test('text of every script, emoji, quotes, control characters and odd keys survive', async () => {
      const stream = `thing-${newStream()}-日本`;
      const data = {
        scripts: 'Ελληνικά עברית العربية 日本語 한국어 हिन्दी',
        emoji: '👩‍👩‍👧‍👦🏳️‍🌈',
        combining: 'e\u0301 \u00e9',
        separators: 'a\u2028b\u2029c\u0085d\ufeff',
        quotes: `"'\\\b\f\n\r\t\${}{{%s$1`,
        'key with "quotes"': { '': 'empty key', __proto__x: 1 },
      };
      await store().append(stream, [newEvent(data, 'Größe')], 'none');
      const [event] = await other().read(stream);
      expect(event).toMatchObject({ stream, type: 'Größe' });
      expect(JSON.stringify(event?.data)).toBe(JSON.stringify(data));
    });
  });
}
