/** The projector's process, as production runs it, with faults. */
import { type Projection, viewName } from '@annals/platform/consumer/projection';
import { runService } from '@annals/platform/lifecycle/run-service';
import { createApp } from '@annals/projector/app';
import { readConfig } from '@annals/projector/config';
import { projections } from '@annals/projector/projections';
import { createInjector, type Injector } from './injector.ts';

/** The projection, stopping by before each fold. */
function withFaults(projection: Projection, reach: Injector['reachNow']): Projection {
  const name = viewName(projection);
  return {
    ...projection,
    evolve(current, event, key) {
      reach('folding', `${name} ${event.type} ${event.id} ${key}`);
      return projection.evolve(current, event, key);
    },
  };
}

await runService({
  name: 'projector',
  start: async () => {
    const config = readConfig();
    const { reach, reachNow, settings } = createInjector(config.opsPort);
    const { leaseMs, tickMs } = settings;
    const app = createApp(config, {
      faults: reach,
      projections: projections.map((projection) => withFaults(projection, reachNow)),
      leaseMs,
      tickMs,
    });
    await app.start();
    return app;
  },
});
