import { expect, it } from 'vitest';
import { toApp } from './app.ts';

it('knows its addresses once it has started', async () => {
  const app = toApp(async () => ({ main: 'http://127.0.0.1:1' }));
  expect(() => app.addresses).toThrow('not started');
  await app.start();
  expect(app.addresses.main).toBe('http://127.0.0.1:1');
});

it('closes on stop what its start has opened, and at once where the start fails', async () => {
  for (const isBroken of [false, true]) {
    let isClosed = false;
    const app = toApp(async (releasers) => {
      releasers.add(() => {
        isClosed = true;
      });
      if (isBroken) throw new Error('the port is taken');
    });
    if (isBroken) await expect(app.start()).rejects.toThrow('the port is taken');
    else await app.start();
    expect(isClosed).toBe(isBroken);
    await app.stop();
    expect(isClosed).toBe(true);
  }
});
