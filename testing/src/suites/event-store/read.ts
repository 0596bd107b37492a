import type { ReadOptions } from '@annals/platform/event-store/port';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, newEvents, newStream } from './kit.ts';

export function readTests({ store, other }: Fixture): void {
  describe('read', () => {
    const stream = newStream();
    beforeAll(async () => {
      await store().append(stream, newEvents(6), 'none');
      await store().append(stream, newEvents(4), 5);
    });

    const cases: [string, ReadOptions, number[]][] = [
      ['everything', {}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
      ['from a revision, inclusive', { from: 7 }, [7, 8, 9]],
      ['from the last revision', { from: 9 }, [9]],
      ['from past the end', { from: 10 }, []],
      ['a limit', { limit: 3 }, [0, 1, 2]],
      ['from and limit', { from: 4, limit: 3 }, [4, 5, 6]],
      ['a limit past the end', { from: 8, limit: 100 }, [8, 9]],
      ['no more than nothing', { limit: 0 }, []],
      ['backwards', { direction: 'backwards' }, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]],
      ['the last one', { direction: 'backwards', limit: 1 }, [9]],
      ['backwards from a revision', { direction: 'backwards', from: 2 }, [2, 1, 0]],
      ['backwards from a revision with a limit', { direction: 'backwards', from: 7, limit: 2 }, [7, 6]],
      ['backwards from past the end', { direction: 'backwards', from: 50, limit: 2 }, [9, 8]],
    ];
    test.each(cases)('%s', async (_, options, revisions) => {
      const events = await other().read(stream, options);
      expect(events.map((event) => event.revision)).toEqual(revisions);
    });

    test('a stream that is not there is empty, also backwards', async () => {
      expect(await store().read(newStream())).toEqual([]);
      expect(await store().read(newStream(), { direction: 'backwards', limit: 1 })).toEqual([]);
    });

    test('300 reads at once each get their own answer', async () => {
      const streams = Array.from({ length: 20 }, () => newStream());
      await Promise.all(streams.map((name, n) => store().append(name, newEvents(n + 1), 'none')));
      const reads = Array.from({ length: 300 }, async (_, n) => {
        const index = n % 20;
        const options: ReadOptions = {
          limit: (n % 3) + 1,
          ...(n % 2 ? { direction: 'backwards' } : { from: 1 }),
        };
        const events = await store().read(streams[index] ?? '', options);
        const all = Array.from({ length: index + 1 }, (_, revision) => revision);
        const ordered = n % 2 ? all.reverse() : all.slice(1);
        expect(events.map((event) => event.revision)).toEqual(ordered.slice(0, (n % 3) + 1));
        expect(events.every((event) => event.stream === streams[index])).toBe(true);
      });
      await Promise.all(reads);
    });

    test('what one store has appended another reads at once', async () => {
      const name = newStream();
      for (let revision = 0; revision < 10; revision++) {
        await store().append(name, newEvents(1), revision === 0 ? 'none' : revision - 1);
        expect(await other().read(name)).toHaveLength(revision + 1);
      }
    });
  });
}
