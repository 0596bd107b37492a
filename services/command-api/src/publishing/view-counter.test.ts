import type { DomainEventInput } from '@annals/platform/event-log/log';
import { RevisionConflict } from '@annals/platform/event-store/port';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Reading } from './reading-table.ts';
import { createViewCounter, MAX_HELD } from './view-counter.ts';

const warn = vi.fn();
const append = vi.fn<(stream: string, events: readonly DomainEventInput[]) => Promise<void>>();
const admit = vi.fn<(readings: readonly Reading[]) => Promise<string[]>>();
const article = (n: number) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const newCounter = () =>
  createViewCounter({ table: { admit }, log: { append } as never, logger: { warn } as never });

beforeEach(() => {
  for (const mock of [warn, append, admit]) mock.mockReset();
  admit.mockImplementation(async (readings) => readings.map(({ articleId }) => articleId));
});

/** What was appended: of each event, the articles and their counts. */
const appended = () =>
  append.mock.calls.flatMap(([, events]) =>
    events.map(({ data }) => (data as { readonly articles: object[] }).articles),
  );

test('P12 what is noted becomes one event for all articles, and a reader counts once', async () => {
  const counter = newCounter();
  for (const reader of ['ada', 'bob', 'ada'])
    for (const n of [1, 2]) counter.note({ articleId: article(n), reader });
  counter.note({ articleId: article(1), reader: 'eve' });
  await counter.flush();
  expect(appended()).toEqual([
    [
      { articleId: article(1), count: 3 },
      { articleId: article(2), count: 2 },
    ],
  ]);
  await counter.flush();
  expect(append).toHaveBeenCalledTimes(1);
});

test('P12 whom the table knows already does not count', async () => {
  admit.mockResolvedValue([]);
  const counter = newCounter();
  counter.note({ articleId: article(1), reader: 'ada' });
  await counter.flush();
  expect(append).not.toHaveBeenCalled();
});

test('P12 an append that fails is repeated as it was, and one that took effect is not', async () => {
  const counter = newCounter();
  counter.note({ articleId: article(1), reader: 'ada' });
  append.mockRejectedValueOnce(new Error('gone'));
  await expect(counter.flush()).rejects.toThrow('gone');
  append.mockRejectedValueOnce(new RevisionConflict('views', 'none', 0));
  await counter.flush();
  await counter.flush();
  expect(append).toHaveBeenCalledTimes(2);
  expect(append.mock.calls[1]).toEqual(append.mock.calls[0]);
});

test('P12 memory is bounded: what comes beyond is dropped, and told', async () => {
  const counter = newCounter();
  for (let n = 0; n < MAX_HELD + 5; n++) counter.note({ articleId: article(n), reader: 'ada' });
  await counter.flush();
  expect(admit.mock.calls[0]?.[0]).toHaveLength(MAX_HELD);
  expect(appended()).toHaveLength(MAX_HELD / 1_000);
  expect(warn).toHaveBeenCalledWith({ dropped: 5 }, expect.any(String));
});
