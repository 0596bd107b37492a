import { eventStoreSuite } from '@annals/testing/suites/event-store.suite';
import { createMemoryEventStore, createMemoryLog } from './memory.ts';

eventStoreSuite('memory', {
  hasServer: false,
  createLog: async () => {
    const log = createMemoryLog();
    return { open: async () => createMemoryEventStore(log), drop: async () => {} };
  },
});
