import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Permission } from '@annals/contracts/kit/route';
import { createLocalJWKSet, exportJWK, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type AuthenticatorOptions, createAuthenticator, type SessionCheck } from './authenticator.ts';

const ISSUER = 'http://annals.test';
const USER = '0199b9c0-0000-7000-8000-00000000000a';
const SESSION = '0199b9c0-0000-7000-8000-00000000000b';
const WORKER_TOKEN = 'worker-token-of-some-length';

const ours = generateKeyPairSync('ed25519');
const theirs = generateKeyPairSync('ed25519');
const publicJwk = { ...(await exportJWK(ours.publicKey)), kid: 'k1', alg: 'EdDSA', use: 'sig' };

beforeEach(() =>
  vi.useFakeTimers({ now: new Date('2026-11-22T10:00:00Z'), toFake: ['Date', 'performance'] }),
);
afterEach(() => vi.useRealTimers());

interface Terms {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly key?: KeyObject | Uint8Array;
}

/** A token that is valid but for what `terms` change; `undefined` leaves a member out. */
function token({ header = {}, claims = {}, key = ours.privateKey }: Terms = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const payload = {
    iss: ISSUER,
    aud: 'annals',
    sub: USER,
    sid: SESSION,
    iat: now,
    exp: now + 900,
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', ...header })
    .sign(key);
}

function authenticator(overrides: Partial<AuthenticatorOptions> = {}) {
  const out = new Set<string>();
  const permissions = new Map<string, ReadonlySet<Permission>>();
  const jwks = vi.fn(createLocalJWKSet({ keys: [publicJwk] }));
  const { authenticate, recognize } = createAuthenticator({
    jwks,
    issuer: ISSUER,
    serviceTokens: new Map([['worker', WORKER_TOKEN]]),
    access: {
      isOut: (userId, sessionId) => out.has(userId) || out.has(sessionId),
      permissionsOf: (userId) => permissions.get(userId) ?? new Set(),
    },
    ...overrides,
  });
  return {
    authenticate: async (value?: string) => authenticate(value, '192.0.2.1'),
    recognize: (value?: string) => recognize(value, '192.0.2.1'),
    out,
    permissions,
    jwks,
  };
}

it('tells users, services and anonymous callers apart', async () => {
  const { authenticate, permissions } = authenticator();
  permissions.set(USER, new Set(['can_publish']));
  expect(await authenticate()).toEqual({ kind: 'anonymous', address: '192.0.2.1' });
  expect(await authenticate(`Bearer ${WORKER_TOKEN}`)).toEqual({
    kind: 'service',
    name: 'worker',
    address: '192.0.2.1',
  });
  expect(await authenticate(`bearer ${await token()}`)).toEqual({
    kind: 'user',
    userId: USER,
    sessionId: SESSION,
    permissions: new Set(['can_publish']),
    address: '192.0.2.1',
  });
});

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const publicPem = ours.publicKey.export({ type: 'spki', format: 'pem' });

const forgeries: Record<string, () => string | Promise<string>> = {
  'no token': () => '',
  'another scheme': async () => `Basic ${await token()}`,
  'two tokens': async () => `Bearer ${await token()}, Bearer ${await token()}`,
  garbage: () => 'Bearer garbage',
  'garbage in three parts': () => 'Bearer a.b.c',
  'an almost right service token': () => `Bearer ${WORKER_TOKEN}x`,
  'alg none': async () => {
    const [, payload] = (await token()).split('.');
    return `Bearer ${base64({ alg: 'none', typ: 'at+jwt', kid: 'k1' })}.${payload}.`;
  },
  'HS256 with the public key as its secret': async () =>
    `Bearer ${await token({ header: { alg: 'HS256' }, key: Buffer.from(publicPem) })}`,
  'another key': async () => `Bearer ${await token({ key: theirs.privateKey })}`,
  'an unknown key id': async () => `Bearer ${await token({ header: { kid: 'k2' } })}`,
  'no key id': async () => `Bearer ${await token({ header: { kid: undefined } })}`,
  'a key of its own': async () =>
    `Bearer ${await token({ header: { jwk: await exportJWK(theirs.publicKey) }, key: theirs.privateKey })}`,
  'another type': async () => `Bearer ${await token({ header: { typ: 'JWT' } })}`,
  'another issuer': async () => `Bearer ${await token({ claims: { iss: 'http://evil.test' } })}`,
  'another audience': async () => `Bearer ${await token({ claims: { aud: 'others' } })}`,
  'no subject': async () => `Bearer ${await token({ claims: { sub: undefined } })}`,
  'no session': async () => `Bearer ${await token({ claims: { sid: undefined } })}`,
  'a session that is no text': async () => `Bearer ${await token({ claims: { sid: 7 } })}`,
  'no beginning': async () => `Bearer ${await token({ claims: { iat: undefined } })}`,
  'no end': async () => `Bearer ${await token({ claims: { exp: undefined } })}`,
  'a life of a day': async () =>
    `Bearer ${await token({ claims: { exp: Math.floor(Date.now() / 1_000) + 86_400 } })}`,
  'a changed payload': async () => {
    const [header, payload = '', signature] = (await token()).split('.');
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: SESSION };
    return `Bearer ${header}.${base64(claims)}.${signature}`;
  },
};

it.each(Object.keys(forgeries))('refuses %s', async (name) => {
  const { authenticate } = authenticator();
  await authenticate(`Bearer ${await token()}`);
  await expect(authenticate(await forgeries[name]?.())).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('says of an expired token that it has expired, remembered or not', async () => {
  const { authenticate } = authenticator();
  const [remembered, fresh] = [await token(), await token({ claims: { jti: 'other' } })];
  await authenticate(`Bearer ${remembered}`);
  vi.setSystemTime(Date.now() + 900_000);
  await expect(authenticate(`Bearer ${remembered}`)).rejects.toMatchObject({ code: 'token-expired' });
  await expect(authenticate(`Bearer ${fresh}`)).rejects.toMatchObject({ code: 'token-expired' });
});

it('does not tell a forger that a token would have expired', async () => {
  const { authenticate } = authenticator();
  const expired = await token({ key: theirs.privateKey, claims: { exp: 1_000, iat: 900 } });
  await expect(authenticate(`Bearer ${expired}`)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('verifies a token once, and looks every time whether its session is still in', async () => {
  const { authenticate, out, jwks } = authenticator();
  const value = `Bearer ${await token()}`;
  await authenticate(value);
  await authenticate(value);
  expect(jwks).toHaveBeenCalledTimes(1);
  for (const id of [SESSION, USER]) {
    out.add(id);
    await expect(authenticate(value)).rejects.toMatchObject({ code: 'unauthenticated' });
    out.delete(id);
  }
  expect(await authenticate(value)).toMatchObject({ kind: 'user' });
});

it('knows a verified caller without waiting, unless there is something to ask', async () => {
  let isBehind = false;
  const sessionCheck = { isBehind: () => isBehind, ask: async () => new Set<Permission>() };
  const { authenticate, recognize, out, permissions } = authenticator({ sessionCheck });
  const value = `Bearer ${await token()}`;
  expect(recognize()).toEqual({ kind: 'anonymous', address: '192.0.2.1' });
  expect(recognize(value)).toBeUndefined();
  permissions.set(USER, new Set(['can_publish']));
  const caller = await authenticate(value);
  expect(recognize(value)).toEqual(caller);
  expect(recognize(`${value}x`)).toBeUndefined();
  isBehind = true;
  expect(recognize(value)).toBeUndefined();
  isBehind = false;
  for (const id of [SESSION, USER]) {
    out.add(id);
    expect(recognize(value)).toBeUndefined();
    out.delete(id);
  }
  vi.setSystemTime(Date.now() + 900_000);
  expect(recognize(value)).toBeUndefined();
});

it('while the access view lags asks for the session, at most once a second', async () => {
  let isBehind = false;
  const ask = vi.fn<SessionCheck['ask']>(async () => new Set(['can_publish']));
  const { authenticate } = authenticator({ sessionCheck: { isBehind: () => isBehind, ask } });
  const value = `Bearer ${await token()}`;
  await authenticate(value);
  expect(ask).not.toHaveBeenCalled();
  isBehind = true;
  const [caller] = await Promise.all([authenticate(value), authenticate(value)]);
  expect(caller).toMatchObject({ permissions: new Set(['can_publish']) });
  expect(ask.mock.calls).toEqual([[SESSION]]);
  ask.mockResolvedValue(null);
  vi.advanceTimersByTime(1_100);
  await expect(authenticate(value)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('lets nobody in while sessions can not be checked, and asks again at once', async () => {
  const ask = vi.fn<SessionCheck['ask']>(async () => new Set());
  ask.mockRejectedValueOnce(new Error('down'));
  const { authenticate } = authenticator({ sessionCheck: { isBehind: () => true, ask } });
  const value = `Bearer ${await token()}`;
  await expect(authenticate(value)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await authenticate(value)).toMatchObject({ kind: 'user' });
});

it('passes on that keys can not be had', async () => {
  const { Problem } = await import('@annals/contracts/problems');
  const { authenticate } = authenticator({
    jwks: () => Promise.reject(new Problem('unavailable', 'No keys.')),
  });
  await expect(authenticate(`Bearer ${await token()}`)).rejects.toMatchObject({ code: 'unavailable' });
});

it('takes EdDSA alone, even from keys that would verify another algorithm', async () => {
  const secret = Buffer.from('a-secret-of-more-than-thirty-two-bytes');
  const { authenticate } = authenticator({ jwks: (async () => secret) as never });
  const forged = await token({ header: { alg: 'HS256' }, key: secret });
  await expect(authenticate(`Bearer ${forged}`)).rejects.toMatchObject({ code: 'unauthenticated' });
});
