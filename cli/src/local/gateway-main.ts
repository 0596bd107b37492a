/** The gateway's process. */
import { routes } from '@annals/contracts/routes';
import { loadConfig } from '@annals/platform/config/config';
import { runService } from '@annals/platform/lifecycle/run-service';
import { callerEnvironment, gatewayConfig } from '../config.ts';
import { createGateway } from './gateway.ts';

await runService({
  name: 'gateway',
  start: async () => {
    const { host, port, publicUrl, upstreams } = loadConfig(gatewayConfig, callerEnvironment());
    const gateway = await createGateway({ routes, upstreams, publicUrl });
    await gateway.listen({ host, port });
    return { stop: () => gateway.close() };
  },
});
