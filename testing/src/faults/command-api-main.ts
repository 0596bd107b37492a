/** The command-api process, as production runs it, with faults. */
import { createApp } from '@annals/command-api/app';
import { readConfig } from '@annals/command-api/config';
import { runService } from '@annals/platform/lifecycle/run-service';
import { createInjector } from './injector.ts';

await runService({
  name: 'command-api',
  start: async () => {
    const config = readConfig();
    const { reach, settings } = createInjector(config.opsPort);
    const { reservationLeaseMs, idempotencyLeaseSeconds } = settings;
    const app = createApp(config, {
      faults: reach,
      ...(reservationLeaseMs === undefined ? {} : { reservationLeaseMs }),
      ...(idempotencyLeaseSeconds === undefined ? {} : { idempotencyLeaseSeconds }),
    });
    await app.start();
    return app;
  },
});
