/** The worker's process, as production runs it, with faults. */
import { runService } from '@annals/platform/lifecycle/run-service';
import { createApp } from '@annals/worker/app';
import { readConfig } from '@annals/worker/config';
import { createMailer } from '@annals/worker/mailing/create-mailer';
import { createInjector } from './injector.ts';

await runService({
  name: 'worker',
  start: async () => {
    const config = readConfig();
    const { reach, settings } = createInjector(config.opsPort);
    const { leaseMs, tickMs } = settings;
    const app = createApp(config, {
      faults: reach,
      leaseMs,
      tickMs,
      createMailer: (options) => {
        const mailer = createMailer(options);
        return {
          send: async (mail) => {
            await mailer.send(mail);
            await reach('performed', 'mail');
          },
          close: () => mailer.close(),
        };
      },
    });
    await app.start();
    return app;
  },
});
