/** The command-api process. */
import { runService } from '@annals/platform/lifecycle/run-service';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await runService({
  name: 'command-api',
  start: async () => {
    const app = createApp(readConfig());
    await app.start();
    return app;
  },
});
