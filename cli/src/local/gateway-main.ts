/** The gateway's process. */
import { routes } from '@annals/contracts/routes';
import { loadConfig } from '@annals/platform/config/config';
import { runService } from '@annals/platform/lifecycle/run-service';
import { createLogger } from '@annals/platform/telemetry/logger';
import { callerEnvironment, gatewayConfig } from '../config.ts';
import { createGateway } from './gateway.ts';

await runService({
  name: 'gateway',
  start: async () => {
    const { host, port, internalPort, publicUrl, upstreams } = loadConfig(gatewayConfig, callerEnvironment());
    const logger = createLogger({ service: 'gateway' });
    const onFailure = (error: Error) => logger.warn({ err: error }, 'a service could not be asked');
    const gateway = await createGateway({ routes, upstreams, publicUrl, onFailure });
    await gateway.listen({ host, port, internalPort });
    return { stop: () => gateway.close() };
  },
});
