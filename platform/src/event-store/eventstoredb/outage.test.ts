/** What waits while a server hangs fails in time, rather than one after the other. */
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeEvents } from '../appends.ts';
import { PATIENCE_MS } from '../retry.ts';
import { Appender } from './appender.ts';
import type { Connection } from './connection.ts';
import { newEvent } from './hazards.fixture.ts';
import { StreamReader } from './stream-reader.ts';

/** One attempt takes as long as a tenth of all patience. */
const ANSWER_MS = 50;
/** Deadlines come so many times sooner. */
const HASTE = PATIENCE_MS / (10 * ANSWER_MS);

/** The stream of each attempt. */
let tried: string[];
let reader: StreamReader;
let appender: Appender;

beforeEach(() => {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() * HASTE);
  tried = [];
  const hanging = {
    appendToStream(stream: string) {
      tried.push(stream);
      return new Promise(() => {});
    },
    readStream(stream: string) {
      tried.push(stream);
      return Object.assign(new Readable({ objectMode: true, read() {} }), { cancel: async () => {} });
    },
  };
  const connection = { client: hanging, failed() {} } as unknown as Connection;
  const options = { connection, log: '', answerMs: ANSWER_MS };
  reader = new StreamReader(options);
  appender = new Appender({ ...options, reader });
});
afterEach(() => void vi.restoreAllMocks());

async function expectUnavailable(work: readonly Promise<unknown>[]): Promise<void> {
  const errors = await Promise.all(work.map((one) => one.catch((error: unknown) => error)));
  expect(new Set(errors.map((error) => (error as Error).name))).toEqual(new Set(['EventStoreUnavailable']));
}

test('appends that waited for longer than all patience fail without an attempt of their own', async () => {
  const encoded = encodeEvents([newEvent()]);
  await expectUnavailable(Array.from({ length: 60 }, (_, n) => appender.append(`thing-${n}`, encoded, -1)));
  expect(tried.length).toBeLessThan(30);
});

test('appends to one stream that expect any revision fail together as well', async () => {
  const encoded = encodeEvents([newEvent()]);
  await expectUnavailable(Array.from({ length: 60 }, () => appender.append('thing-1', encoded, null)));
  expect(tried.length).toBeLessThan(30);
});

test('reads that waited for longer than all patience fail without an attempt of their own', async () => {
  await expectUnavailable(Array.from({ length: 64 * 4 }, (_, n) => reader.read(`thing-${n}`)));
  expect(new Set(tried).size).toBeLessThan(64 * 2);
});
