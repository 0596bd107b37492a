/** Every route of the table refuses bad input before its handler runs. */
import { generateKeyPairSync } from 'node:crypto';
import type { Route, ServiceName } from '@annals/contracts/kit/route';
import { routes } from '@annals/contracts/routes';
import { ACCESS_TOKEN } from '@annals/platform/http/access-token';
import { createAuthenticator } from '@annals/platform/http/authenticator';
import { createHttpServer, type HttpServer } from '@annals/platform/http/server';
import { bind } from '@annals/platform/http/types';
import { createLogger } from '@annals/platform/telemetry/logger';
import { createMetrics } from '@annals/platform/telemetry/metrics';
import { createTracing } from '@annals/platform/telemetry/tracing';
import { createLocalJWKSet, exportJWK, SignJWT } from 'jose';
import { expect, it } from 'vitest';
import { type BadRequest, faultOf } from './bad-request.ts';
import { badRequests, wrongMethods } from './generate.ts';

const ISSUER = 'http://annals.test';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: ACCESS_TOKEN.algorithm };
const now = Math.floor(Date.now() / 1_000);

function tokenEnding(exp: number): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: ACCESS_TOKEN.audience, sub: 'staff', sid: 's', iat: exp - 900, exp })
    .setProtectedHeader({ alg: ACCESS_TOKEN.algorithm, typ: ACCESS_TOKEN.type, kid: 'k1' })
    .sign(privateKey);
}

const [token, expiredToken] = await Promise.all([tokenEnding(now + 900), tokenEnding(now - 10)]);
const handled: string[] = [];

async function serverOf(service: ServiceName): Promise<HttpServer> {
  const logger = createLogger({ service, level: 'silent' });
  return createHttpServer({
    service,
    routes,
    bound: routes
      .filter((route) => route.service === service)
      .map((route) =>
        bind(route, async () => {
          handled.push(route.name);
          return { status: 200 };
        }),
      ),
    authenticate: createAuthenticator({
      jwks: createLocalJWKSet({ keys: [jwk] }),
      issuer: ISSUER,
      serviceTokens: new Map(),
      access: { isOut: () => false, permissionsOf: () => new Set(['staff']) },
    }).authenticate,
    logger,
    tracing: await createTracing({ service, logger }),
    metrics: createMetrics(service),
    publicUrl: ISSUER,
    trustedProxies: [],
    allowedOrigins: [],
  });
}

const services = ['command-api', 'query-api', 'notifier'] as const;
const servers = new Map(
  await Promise.all(services.map(async (service) => [service, await serverOf(service)] as const)),
);

async function faultsOf(service: ServiceName, requests: readonly BadRequest[]): Promise<string[]> {
  const faults: string[] = [];
  for (const request of requests) {
    const { method, path, headers, body } = request;
    const answer = await servers.get(service)?.inject({
      method: method as 'GET',
      url: path,
      headers,
      ...(body === undefined ? {} : { payload: body }),
    });
    const { statusCode = 0, headers: { 'content-type': contentType } = {}, payload = '' } = answer ?? {};
    const fault = faultOf(request, { status: statusCode, contentType: String(contentType), body: payload });
    if (fault) faults.push(`${request.name}: ${fault}`);
  }
  return faults;
}

it.each(routes.map((route): [string, Route] => [route.name, route]))(
  '%s refuses bad input',
  async (_name, route) => {
    handled.length = 0;
    const requests = badRequests(route, { authorization: `Bearer ${token}`, token, expiredToken });
    expect(requests.length).toBeGreaterThan(10);
    expect(await faultsOf(route.service, requests)).toEqual([]);
    expect(handled).toEqual([]);
  },
);

it('every path refuses methods that it does not take, at every service', async () => {
  const requests = wrongMethods(routes);
  for (const service of services) expect(await faultsOf(service, requests)).toEqual([]);
});

it('the check of refusals tells a precise one from others', () => {
  const request: BadRequest = {
    name: 'n',
    method: 'POST',
    path: '/',
    headers: {},
    expected: { status: 422, code: 'validation-failed', mistake: { pointer: '/title' } },
  };
  const answer = (status: number, code: string, pointer: string, contentType = 'application/problem+json') =>
    faultOf(request, { status, contentType, body: JSON.stringify({ code, errors: [{ pointer }] }) });
  expect(answer(422, 'validation-failed', '/title')).toBeNull();
  expect(answer(400, 'validation-failed', '/title')).toMatch('expected 422');
  expect(answer(422, 'not-found', '/title')).toMatch('the code');
  expect(answer(422, 'validation-failed', '/other')).toMatch('a mistake at');
  expect(answer(422, 'validation-failed', '/title', 'application/json')).toMatch('a problem');
});
