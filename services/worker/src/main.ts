/** The worker's process. */
import { runService } from '@annals/platform/lifecycle/run-service';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

await runService({
  name: 'worker',
  start: async () => {
    const app = createApp(readConfig());
    await app.start();
    return app;
  },
});
