/** Asks command-api about single sessions and their users' permissions, for as long as the followed access view lags. */
import { permissions } from '@annals/contracts/kit/route';
import { z } from 'zod';
import type { SessionCheck } from '../http/authenticator.ts';
import type { Follower } from './follower.ts';

/** More than this behind the log, and sessions are asked about one by one. */
const BEHIND_MS = 1_000;
const TIMEOUT_MS = 2_000;

const answer = z.object({ isRevoked: z.boolean(), permissions: z.array(z.enum(permissions)) });

/** `serviceToken` is what the asking service shows command-api at its internal base URL. */
export function createSessionCheck(
  follower: Pick<Follower, 'isBehind'>,
  options: { commandApiUrl: string; serviceToken: string },
): SessionCheck {
  return {
    isBehind: () => follower.isBehind(BEHIND_MS),
    async ask(sessionId) {
      const response = await fetch(
        `${options.commandApiUrl}/internal/sessions/${encodeURIComponent(sessionId)}`,
        {
          headers: { authorization: `Bearer ${options.serviceToken}` },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
      );
      const body: unknown = await response.json();
      if (!response.ok) throw new Error(`command-api answered ${response.status} about a session`);
      const { isRevoked, permissions: held } = answer.parse(body);
      return isRevoked ? null : new Set(held);
    },
  };
}
