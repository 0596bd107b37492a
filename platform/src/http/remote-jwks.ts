/** The issuer's public keys, fetched over HTTP. */
import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '@annals/contracts/problems';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose';

const ATTEMPTS = 3;

/**
 * Resolves keys from the JWKS at `url`: fetched when first needed, again after 10 minutes, and (at most every 5 s) for a
 * key id that is not known. Where fetching fails the keys known last still count; with none ever known the problem is
 * `unavailable`, after a few attempts.
 */
export function createRemoteJwks(
  url: string,
  options: { retryDelayMs?: number; fetch?: FetchImplementation } = {},
): JWTVerifyGetKey {
  const { retryDelayMs = 100, fetch } = options;
  const remote = createRemoteJWKSet(new URL(url), {
    timeoutDuration: 2_000,
    cooldownDuration: 5_000,
    ...(fetch ? { [customFetch]: fetch } : {}),
  });
  const resolve: JWTVerifyGetKey = async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      const known = isAboutTheToken(error) ? undefined : remote.jwks();
      if (known) return createLocalJWKSet(known)(header, token);
      throw error;
    }
  };
  return async (header, token) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await resolve(header, token);
      } catch (error) {
        if (isAboutTheToken(error)) throw error;
        if (attempt === ATTEMPTS)
          throw new Problem('unavailable', 'Tokens can not be checked right now.', { cause: error });
      }
      await delay(retryDelayMs * attempt);
    }
  };
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
