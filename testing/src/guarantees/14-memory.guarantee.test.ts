import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../servers/temporary-folder.ts';
import { startTestStack, type TestStack } from '../stack.ts';
import { counts } from './counts.ts';
import { collectingEnvironment, measure } from './memory/measure.ts';
import { createMixedLoad, type MixedLoad } from './memory/mixed-load.ts';
import { report } from './report.ts';

const warmUpMs = counts(8_000, 90_000, 6_000);
const workMs = counts(12_000, 600_000, 6_000);
const MEGABYTE = 1024 * 1024;

/**
 * How much more a process may hold after the work than before it, once its garbage is collected. Per thing done: what
 * the log's length costs in caches that are not full yet (a comment's state in command-api is a few hundred bytes, and
 * every 14th deed is a comment). Besides: what compiled code and metrics add in the meantime. The notifier also fills
 * its ring of recent lines, up to 8 Mi characters.
 */
const HELD_PER_DEED = 150;
const HELD_BESIDES = 2 * MEGABYTE;
const RING = 12 * MEGABYTE;
/** What V8 and the allocator keep of memory that is free again varies more. */
const RSS_BESIDES = 64 * MEGABYTE;
const RSS_AT_MOST = 400 * MEGABYTE;
const limit = '10000000';

let stack: TestStack;
let load: MixedLoad;
let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder('annals-memory-');
  stack = await startTestStack({
    env: collectingEnvironment(folder),
    tuning: {
      ANNALS_THROTTLE_READ: limit,
      ANNALS_THROTTLE_WRITE: limit,
      ANNALS_THROTTLE_LOGIN: limit,
      ANNALS_THROTTLE_REFRESH: limit,
    },
  });
  load = await createMixedLoad(stack.url);
});
afterAll(async () => {
  await load?.close();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('memory stays flat', async () => {
  await load.work(warmUpMs);
  await load.settle();
  const before = await measure(stack, folder);
  const { done, failed } = await load.work(workMs);
  await load.settle();
  const now = await measure(stack, folder);

  const facts: Record<string, string | number> = { 'things done': done, 'of them failed': failed };
  const tooMuch: string[] = [];
  for (const [name, { held, rss }] of now) {
    const was = before.get(name) ?? { held: 0, rss: 0 };
    const bound = HELD_BESIDES + HELD_PER_DEED * done + (name === 'notifier' ? RING : 0);
    const [grown, rssGrown] = [held - was.held, rss - was.rss];
    facts[`${name}, MB`] =
      `held ${inMegabytes(was.held)} → ${inMegabytes(held)}, RSS ${inMegabytes(was.rss)} → ${inMegabytes(rss)}`;
    if (grown > bound)
      tooMuch.push(`${name} holds ${inMegabytes(grown)} MB more, of ${inMegabytes(bound)} allowed`);
    if (rssGrown > RSS_BESIDES + bound)
      tooMuch.push(`the RSS of ${name} grew by ${inMegabytes(rssGrown)} MB`);
    if (rss > RSS_AT_MOST) tooMuch.push(`the RSS of ${name} is ${inMegabytes(rss)} MB`);
  }
  report(14, facts);
  expect(failed).toBeLessThan(done / 10);
  expect(tooMuch, JSON.stringify(facts)).toEqual([]);
});

const inMegabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1);
