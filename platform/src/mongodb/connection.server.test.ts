import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMongo } from './database.ts';

for (const kind of mongoKinds) {
  describe.skipIf(!kind.isThere)(`a connection to MongoDB: ${kind.name}`, () => {
    let server: MongoServer;
    beforeAll(async () => {
      server = await kind.start();
    });
    afterAll(() => server?.remove());

    test('fails a command whose socket closed just before it was written, and the next one is answered', async () => {
      const sockets: Socket[] = [];
      const keep = (message: unknown) => sockets.push((message as { readonly socket: Socket }).socket);
      subscribe('net.client.socket', keep);
      const mongo = openMongo({ url: server.url('annals_test_connection'), application: 'test' });
      try {
        await mongo.db.command({ ping: 1 });
        for (const socket of sockets) socket.destroy();
        await expect(mongo.db.command({ ping: 1 })).rejects.toThrow(/connection .* closed/);
        expect(await mongo.db.command({ ping: 1 })).toMatchObject({ ok: 1 });
      } finally {
        unsubscribe('net.client.socket', keep);
        await mongo.close();
      }
    });
  });
}
