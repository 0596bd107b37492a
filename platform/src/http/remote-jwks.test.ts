import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, type FlattenedJWSInput, type JWTHeaderParameters } from 'jose';
import { expect, it, vi } from 'vitest';
import { createRemoteJwks } from './remote-jwks.ts';

const publicJwk = { ...(await exportJWK(generateKeyPairSync('ed25519').publicKey)), kid: 'k1', alg: 'EdDSA' };
const header = (kid: string): JWTHeaderParameters => ({ alg: 'EdDSA', kid });
const input = {} as FlattenedJWSInput;
const ok = async () => Response.json({ keys: [publicJwk] });
const down = () => Promise.reject(new TypeError('fetch failed'));

it('tries again where the keys can not be fetched at first', async () => {
  const fetch = vi
    .fn(ok)
    .mockImplementationOnce(down)
    .mockResolvedValueOnce(new Response('no', { status: 503 }));
  const jwks = createRemoteJwks('http://keys.test/jwks', { fetch, retryDelayMs: 1 });
  expect(await jwks(header('k1'), input)).toMatchObject({ type: 'public' });
  expect(fetch).toHaveBeenCalledTimes(3);
  await jwks(header('k1'), input);
  expect(fetch).toHaveBeenCalledTimes(3);
});

it('is unavailable where no key was ever had', async () => {
  const fetch = vi.fn(down);
  const jwks = createRemoteJwks('http://keys.test/jwks', { fetch, retryDelayMs: 1 });
  await expect(jwks(header('k1'), input)).rejects.toMatchObject({ code: 'unavailable' });
  expect(fetch).toHaveBeenCalledTimes(3);
});

it('goes on with the keys that it has while they can not be fetched again', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const fetch = vi.fn<() => Promise<Response>>(down).mockImplementationOnce(ok);
  const jwks = createRemoteJwks('http://keys.test/jwks', { fetch, retryDelayMs: 1 });
  await jwks(header('k1'), input);
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(await jwks(header('k1'), input)).toMatchObject({ type: 'public' });
  await expect(jwks(header('k2'), input)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  vi.useRealTimers();
});

it('fetches again for an unknown key id, but not for each of them', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const fetch = vi.fn(ok);
  const jwks = createRemoteJwks('http://keys.test/jwks', { fetch, retryDelayMs: 1 });
  await jwks(header('k1'), input);
  for (const kid of ['a', 'b', 'c']) await expect(jwks(header(kid), input)).rejects.toThrow();
  expect(fetch).toHaveBeenCalledTimes(1);
  vi.setSystemTime(Date.now() + 6_000);
  await expect(jwks(header('d'), input)).rejects.toThrow();
  expect(fetch).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
