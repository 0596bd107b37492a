/** What an access token is: the terms that its issuer and everyone who checks it share. It carries ids, no permissions. */

import { Problem } from '@annals/contracts/problems';
import { type CryptoKey, errors, type JWTHeaderParameters, type JWTVerifyGetKey, jwtVerify } from 'jose';

/** Signature algorithm, `typ` header and audience of access tokens; the issuer is the public URL. */
export const ACCESS_TOKEN = { algorithm: 'EdDSA', type: 'at+jwt', audience: 'annals' } as const;
/** No access token may live longer: revocations are remembered for 20 minutes. */
const MAX_TOKEN_SECONDS = 20 * 60;

/** What a valid token says: claims `sub` and `sid`, and when it expires (ms since 1970). */
export interface TokenClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly expiresAt: number;
}

/**
 * Checks signature, algorithm, type, issuer, audience and life time. Throws `token-expired` for a token that was valid
 * once, `unauthenticated` for anything else, and what `keys` throws where it can't tell.
 */
export async function verifyAccessToken(
  token: string,
  keys: JWTVerifyGetKey,
  issuer: string,
): Promise<TokenClaims> {
  const requireKeyId: JWTVerifyGetKey = (
    header: JWTHeaderParameters,
    input,
  ): Promise<CryptoKey> | CryptoKey => {
    if (header.kid === undefined) throw new errors.JWKSNoMatchingKey();
    return keys(header, input) as Promise<CryptoKey>;
  };
  try {
    const { payload } = await jwtVerify(token, requireKeyId, {
      algorithms: [ACCESS_TOKEN.algorithm],
      typ: ACCESS_TOKEN.type,
      audience: ACCESS_TOKEN.audience,
      issuer,
    });
    // Without beginning or end a token counts as one that lives too long.
    const { sub, sid, iat = 0, exp = Number.POSITIVE_INFINITY } = payload;
    if (typeof sub !== 'string' || typeof sid !== 'string' || exp - iat > MAX_TOKEN_SECONDS)
      throw invalidToken();
    return { userId: sub, sessionId: sid, expiresAt: exp * 1_000 };
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expiredToken();
    if (error instanceof errors.JOSEError) throw invalidToken();
    throw error;
  }
}

export function expiredToken(): Problem {
  return new Problem('token-expired', 'The access token has expired; refresh it.');
}

export function invalidToken(): Problem {
  return new Problem('unauthenticated', 'The access token is not valid.');
}
