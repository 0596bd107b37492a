/** Access tokens: short-lived JWTs that say who and in which session, and nothing about permissions [I3]. */
import { createPublicKey } from 'node:crypto';
import { ACCESS_TOKEN } from '@annals/platform/http/access-token';
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK, SignJWT } from 'jose';

export interface AccessTokens {
  /** A token for a session, valid for {@link ACCESS_TOKEN_SECONDS}. */
  sign(userId: string, sessionId: string): Promise<string>;
  /** The public keys that verify tokens. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

export const ACCESS_TOKEN_SECONDS = 15 * 60;

/** Creates the signer for an Ed25519 key (PKCS#8 PEM); `issuer` is the public URL. */
export async function createAccessTokens(options: {
  privateKey: string;
  issuer: string;
}): Promise<AccessTokens> {
  const { algorithm: alg, type: typ, audience } = ACCESS_TOKEN;
  const key = await importPKCS8(options.privateKey, alg);
  const publicKey = await exportJWK(createPublicKey(options.privateKey));
  const kid = await calculateJwkThumbprint(publicKey);
  return {
    sign: (userId, sessionId) =>
      new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg, typ, kid })
        .setIssuer(options.issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime(`${ACCESS_TOKEN_SECONDS}s`)
        .sign(key),
    jwks: { keys: [{ ...publicKey, kid, alg, use: 'sig' }] },
  };
}
