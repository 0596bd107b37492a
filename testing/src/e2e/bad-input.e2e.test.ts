import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { listArticles } from '@annals/contracts/publishing/article.routes';
import { routes } from '@annals/contracts/routes';
import { ACCESS_TOKEN } from '@annals/platform/http/access-token';
import { decodeJwt, decodeProtectedHeader, importPKCS8, SignJWT } from 'jose';
import { beforeAll, expect, inject, test } from 'vitest';
import { type BadRequest, faultOf, type Refusal } from '../bad-input/bad-request.ts';
import { badRequests, wrongMethods } from '../bad-input/generate.ts';
import { Api } from './client.ts';

const url = new URL(inject('stackUrl'));
const token = inject('adminToken');
let expiredToken: string;

beforeAll(async () => {
  const secrets = JSON.parse(await readFile(join(inject('stackFolder'), 'secrets'), 'utf8')) as {
    jwtPrivateKey: string;
  };
  const key = await importPKCS8(
    Buffer.from(secrets.jwtPrivateKey, 'base64').toString(),
    ACCESS_TOKEN.algorithm,
  );
  const past = Math.floor(Date.now() / 1_000) - 60;
  expiredToken = await new SignJWT({ ...decodeJwt(token), iat: past - 900, exp: past })
    .setProtectedHeader({ alg: ACCESS_TOKEN.algorithm, ...decodeProtectedHeader(token) })
    .sign(key);
});

/** Sends a request byte by byte as it is: fetch would correct some of what is wrong. */
function send({ method, path, headers, body }: BadRequest): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const framing = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const outgoing = request({
      host: url.hostname,
      port: url.port,
      method,
      path,
      headers: { ...framing, ...headers },
      agent: false,
    });
    outgoing.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const contentType = response.headers['content-type'];
      resolve({ status: response.statusCode ?? 0, contentType, body: Buffer.concat(chunks).toString() });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function faultsOf(requests: readonly BadRequest[]): Promise<string[]> {
  const faults: string[] = [];
  for (const each of requests) {
    const fault = await send(each).then(
      (answer) => faultOf(each, answer),
      (error: Error) => error.message,
    );
    if (fault) faults.push(`${each.name}: ${fault}`);
  }
  return faults;
}

/** The log's head, once nothing moves it any more. */
async function quietHead(): Promise<string> {
  const api = new Api(url.origin);
  for (let before = ''; ; ) {
    const now = (await api.ok(listArticles, { query: { pageSize: 1 } })).headers.get('annals-position') ?? '';
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
}

test('every route refuses bad input with a precise problem, and nothing is written', async () => {
  const head = await quietHead();
  const faults: string[] = [];
  for (const route of routes) {
    faults.push(
      ...(await faultsOf(badRequests(route, { authorization: `Bearer ${token}`, token, expiredToken }))),
    );
  }
  expect(faults).toEqual([]);
  expect(await quietHead()).toBe(head);
}, 180_000);

test('every path refuses methods that it does not take', async () => {
  expect(await faultsOf(wrongMethods(routes))).toEqual([]);
});
