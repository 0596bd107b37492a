import { setTimeout as sleep } from 'node:timers/promises';
import { mongoKinds } from '@annals/testing/servers/mongodb';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { describe, expect, test } from 'vitest';
import { openMongo } from './database.ts';

const HELD_MS = 2_000;

for (const kind of mongoKinds) {
  describe.skipIf(!kind.isThere)(`the clock of MongoDB: ${kind.name}`, () => {
    test('is never ahead, however long the question was on its way', async () => {
      const server = await kind.start();
      const url = new URL(server.url('annals_test_clock'));
      url.searchParams.set('directConnection', 'true');
      const direct = openMongo({ url: url.href, application: 'test' });
      const proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) });
      url.hostname = '127.0.0.1';
      url.port = String(proxy.port);
      const mongo = openMongo({ url: url.href, application: 'test' });
      try {
        await mongo.db.command({ ping: 1 });
        proxy.holdRequests();
        const asked = mongo.now();
        await sleep(HELD_MS);
        proxy.release();
        expect((await asked).getTime()).toBeLessThanOrEqual((await direct.now()).getTime() + 200);
        expect((await mongo.now()).getTime()).toBeLessThanOrEqual((await direct.now()).getTime() + 200);
      } finally {
        await Promise.all([mongo.close(), direct.close()]);
        await proxy.close();
        await server.remove();
      }
    });
  });
}
