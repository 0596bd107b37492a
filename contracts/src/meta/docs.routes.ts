/** Routes of the API's own documents: its description, a page to try it, a page per problem code. */
import { z } from 'zod';
import { defineRoute } from '../kit/route.ts';
import { problems } from '../problems.ts';

const shared = {
  method: 'GET',
  service: 'query-api',
  tag: 'docs',
  access: 'anyone',
  style: 'plain',
} as const;

const page = { status: 200, schema: z.string(), mediaType: 'text/html' } as const;

export const getOpenApi = defineRoute({
  ...shared,
  name: 'getOpenApi',
  path: '/openapi.json',
  summary: 'This description of the API (OpenAPI 3.1)',
  success: { status: 200, schema: z.looseObject({ openapi: z.string() }) },
});

export const getAsyncApi = defineRoute({
  ...shared,
  name: 'getAsyncApi',
  path: '/asyncapi.yaml',
  summary: 'A description of integration topics and of the push protocol (AsyncAPI 3)',
  success: { status: 200, schema: z.string(), mediaType: 'application/yaml' },
});

export const getDocs = defineRoute({
  ...shared,
  name: 'getDocs',
  path: '/docs',
  summary: 'A page to read and try the API',
  success: page,
});

export const getAccountPage = defineRoute({
  ...shared,
  name: 'getAccountPage',
  path: '/docs/account',
  summary: 'The page that links in mails lead to: confirms an address, takes a new password',
  success: page,
});

/** What the pages load. */
export const docsAssets = [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'favicon-32x32.png',
  'try.js',
  'page.css',
  'account.js',
] as const;

export const getDocsAsset = defineRoute({
  ...shared,
  name: 'getDocsAsset',
  path: '/docs/assets/{file}',
  summary: 'A file that the pages load',
  params: z.strictObject({ file: z.enum(docsAssets) }),
  success: { status: 200, schema: z.string(), mediaType: '*/*' },
});

export const getProblemPage = defineRoute({
  ...shared,
  name: 'getProblemPage',
  path: '/docs/problems/{code}',
  summary: 'What a problem code means and what to do about it',
  params: z.strictObject({ code: z.enum(Object.keys(problems) as [keyof typeof problems]) }),
  success: page,
});
