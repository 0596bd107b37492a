/** What the cli takes from its environment. */
import { httpUrl, port } from '@annals/platform/config/common';
import type { Environment } from '@annals/platform/config/config';
import { z } from 'zod';

/** The caller's environment. */
export function callerEnvironment(): Environment {
  return process.env;
}

/** `ANNALS_*` variables that the cli itself reads (as defaults of options); services do not know them. */
export const ownVariables: ReadonlySet<string> = new Set([
  'ANNALS_DATA_FOLDER',
  'ANNALS_URL',
  'ANNALS_IMPORT_TOKEN',
]);

const upstream = z.object({ service: z.string(), url: z.string().nullable(), opsUrl: z.string() });

/** The gateway's configuration. */
export const gatewayConfig = z.object({
  host: z.string(),
  port,
  /** Where services reach each other, on loopback; missing where each has but one process. */
  internalPort: port.optional(),
  publicUrl: httpUrl,
  /** JSON: the processes behind it. */
  upstreams: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(upstream)),
});
