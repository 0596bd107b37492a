/** The notifier process, as production runs it, with faults. */
import { createApp } from '@annals/notifier/app';
import { readConfig } from '@annals/notifier/config';
import { runService } from '@annals/platform/lifecycle/run-service';
import { createInjector } from './injector.ts';

await runService({
  name: 'notifier',
  start: async () => {
    const config = readConfig();
    const app = createApp(config, { faults: createInjector(config.opsPort).reach });
    await app.start();
    return app;
  },
});
