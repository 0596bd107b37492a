import { startEventStoreDbStandIn } from '@annals/testing/servers/eventstoredb-stand-in/stand-in';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { eventStoreSuite } from '@annals/testing/suites/event-store.suite';
import { vi } from 'vitest';
import { createEventStoreDbEventStore } from './store.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

eventStoreSuite('the client of EventStoreDB on a stand-in', {
  hasServer: true,
  createLog: async () => {
    const server = await startEventStoreDbStandIn();
    const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port });
    const url = `esdb://127.0.0.1:${proxy.port}?tls=false`;
    return {
      open: () => createEventStoreDbEventStore({ url, application: 'event-store-suite' }),
      restart: async () => proxy.cutClients(),
      drop: async () => {
        await proxy.close();
        await server.remove();
      },
    };
  },
});
