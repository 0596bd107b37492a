/** The throttle of a service, as its settings say. */
import type { Logger } from 'pino';
import type { z } from 'zod';
import { createLeasedThrottle, type LeasedThrottle } from './leased-throttle.ts';
import { createPostgresPermitCounters } from './permit-counters.ts';
import { type throttleFields, toLimits } from './throttle.ts';

type Settings = z.output<z.ZodObject<typeof throttleFields>> & { readonly databaseUrl: string };

/** Opens the counters that replicas of all services share. Throws where the server is away. */
export async function openThrottle(
  settings: Settings,
  { application, logger }: { readonly application: string; readonly logger: Logger },
): Promise<LeasedThrottle> {
  const counters = await createPostgresPermitCounters({ url: settings.databaseUrl, application, logger });
  return createLeasedThrottle({ limits: toLimits(settings), counters, logger });
}
