import { expect, it } from 'vitest';
import { createReleasers } from './releasers.ts';

it('releases last in, first out, one after the other', async () => {
  const releasers = createReleasers();
  const steps: string[] = [];
  for (const name of ['pool', 'server']) {
    releasers.add(async () => {
      steps.push(`${name} closing`);
      await Promise.resolve();
      steps.push(`${name} closed`);
    });
  }
  await releasers.release();
  expect(steps).toEqual(['server closing', 'server closed', 'pool closing', 'pool closed']);
});

it('releases once, and gives every caller the same outcome', async () => {
  const releasers = createReleasers();
  let calls = 0;
  releasers.add(() => {
    calls++;
    throw new Error('broken');
  });
  const outcomes = await Promise.allSettled([releasers.release(), releasers.release()]);
  expect(calls).toBe(1);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it('goes on past errors and throws the first', async () => {
  const releasers = createReleasers();
  let isPoolClosed = false;
  releasers.add(() => {
    isPoolClosed = true;
    throw new Error('second');
  });
  releasers.add(() => {
    throw new Error('first');
  });
  await expect(releasers.release()).rejects.toThrow('first');
  expect(isPoolClosed).toBe(true);
});

it('releases what is added while releasing, and refuses what comes after', async () => {
  const releasers = createReleasers();
  let isLateClosed = false;
  releasers.add(() => releasers.add(() => (isLateClosed = true)));
  await releasers.release();
  expect(isLateClosed).toBe(true);
  expect(() => releasers.add(() => undefined)).toThrow('already');
});
