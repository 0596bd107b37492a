/** The query-api process, as production runs it, with faults. */

import { runService } from '@annals/platform/lifecycle/run-service';
import { createApp } from '@annals/query-api/app';
import { readConfig } from '@annals/query-api/config';
import { createInjector } from './injector.ts';

await runService({
  name: 'query-api',
  start: async () => {
    const config = readConfig();
    const app = createApp(config, { faults: createInjector(config.opsPort).reach });
    await app.start();
    return app;
  },
});
