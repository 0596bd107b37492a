/** Asks processes whether they are ready. */
import { z } from 'zod';

const TIMEOUT_MS = 2_000;
const answer = z.looseObject({ checks: z.record(z.string(), z.boolean()).optional() });

/** `ready`, or which checks fail, or that there is no answer. */
export type Readiness = { readonly isReady: true } | { readonly isReady: false; readonly reason: string };

/** Asks `url`; never throws. */
export async function askReadiness(url: string): Promise<Readiness> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body: unknown = await response.json();
    if (response.ok) return { isReady: true };
    const failing = Object.entries(answer.parse(body).checks ?? {}).filter(([, passes]) => !passes);
    return {
      isReady: false,
      reason: `not ready: ${failing.map(([name]) => name).join(', ') || 'no reason given'}`,
    };
  } catch {
    return { isReady: false, reason: 'does not answer' };
  }
}
