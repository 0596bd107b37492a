/** The API's own documents. Nothing in them comes from another host. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  type docsAssets,
  getAccountPage,
  getAsyncApi,
  getDocs,
  getDocsAsset,
  getOpenApi,
  getProblemPage,
} from '@annals/contracts/meta/docs.routes';
import { routes } from '@annals/contracts/routes';
import { sourceOf, topics, typeOf } from '@annals/contracts/topics';
import { openApiDocument } from '@annals/platform/http/openapi';
import { bind, type RouteResponse } from '@annals/platform/http/types';
import { asyncApiDocument } from '@annals/platform/messaging/asyncapi';
import { defineQueries } from '../queries.ts';
import { accountPage, accountScript } from './account-page.ts';
import { pageStyle, renderProblemPage, tryPage, tryScript } from './pages.ts';

type Asset = (typeof docsAssets)[number];

/** What the pages may load: files of this host, and pictures inside the style sheet. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const root = new URL('../../../../', import.meta.url);
const require = createRequire(import.meta.url);
const swagger = (file: string) => () => readFile(require.resolve(`swagger-ui-dist/${file}`));

const assets: Readonly<Record<Asset, { type: string; load: () => Promise<Buffer> }>> = {
  'swagger-ui.css': { type: 'text/css; charset=utf-8', load: swagger('swagger-ui.css') },
  'swagger-ui-bundle.js': { type: 'text/javascript; charset=utf-8', load: swagger('swagger-ui-bundle.js') },
  'favicon-32x32.png': { type: 'image/png', load: swagger('favicon-32x32.png') },
  'try.js': { type: 'text/javascript; charset=utf-8', load: async () => Buffer.from(tryScript) },
  'account.js': { type: 'text/javascript; charset=utf-8', load: async () => Buffer.from(accountScript) },
  'page.css': { type: 'text/css; charset=utf-8', load: async () => Buffer.from(pageStyle) },
};

export const docsQueries = defineQueries(({ publicUrl }) => {
  const loaded = remember((file: Asset) => assets[file].load());
  const problemPage = remember(async (code: string) =>
    renderProblemPage(await readFile(new URL(`docs/problems/${code}.md`, root), 'utf8')),
  );
  const description = remember(async (kind: 'openapi' | 'asyncapi') => {
    const { version }: { version: string } = JSON.parse(
      await readFile(new URL('package.json', root), 'utf8'),
    );
    if (kind === 'openapi') return JSON.stringify(openApiDocument(routes, { publicUrl, version }));
    return asyncApiDocument(topics.all, { typeOf, sourceOf }, { publicUrl, version });
  });
  return [
    bind(getOpenApi, async () => answer(await description('openapi'), 'application/json; charset=utf-8')),
    bind(getAsyncApi, async () => answer(await description('asyncapi'), 'application/yaml; charset=utf-8')),
    bind(getDocs, async () => answer(tryPage, HTML)),
    bind(getAccountPage, async () => answer(accountPage, HTML)),
    bind(getDocsAsset, async ({ params }) => answer(await loaded(params.file), assets[params.file].type)),
    bind(getProblemPage, async ({ params }) => answer(await problemPage(params.code), HTML)),
  ];
});

const HTML = 'text/html; charset=utf-8';

function answer(body: string | Buffer, type: string): RouteResponse {
  const headers = {
    'content-type': type,
    'content-security-policy': POLICY,
    'cache-control': 'public, max-age=300',
  };
  return { status: 200, headers, body };
}

/** Loads each of a known set of things once; what failed is tried again. */
function remember<Key extends string, Value>(
  load: (key: Key) => Promise<Value>,
): (key: Key) => Promise<Value> {
  const known = new Map<Key, Promise<Value>>();
  return (key) => {
    const value = known.get(key) ?? load(key);
    known.set(key, value);
    value.catch(() => known.delete(key));
    return value;
  };
}
