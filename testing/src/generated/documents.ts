/** The documents in `docs/generated`, as the local profile serves them, and what they were at the last release. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { routes } from '@annals/contracts/routes';
import { sourceOf, topics, typeOf } from '@annals/contracts/topics';
import { openApiDocument } from '@annals/platform/http/openapi';
import { asyncApiDocument } from '@annals/platform/messaging/asyncapi';
import { parse } from 'yaml';
import { breaksOfAsyncApi } from './breaking/asyncapi.ts';
import { breaksOfOpenApi } from './breaking/openapi.ts';

const root = new URL('../../../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
const options = { publicUrl: 'http://127.0.0.1:8080', version };

export interface GeneratedDocument {
  /** Its name below `docs/generated`, and below `docs/released`. */
  readonly name: string;
  /** Its text as routes and topics demand it. */
  render(): string;
  readonly parse: (text: string) => Readonly<Record<string, unknown>>;
  /** What `after` takes from those who rely on `before`. */
  readonly breaks: typeof breaksOfOpenApi;
}

export const openApi: GeneratedDocument = {
  name: 'openapi.json',
  render: () => `${JSON.stringify(openApiDocument(routes, options), null, 2)}\n`,
  parse: JSON.parse,
  breaks: breaksOfOpenApi,
};

export const asyncApi: GeneratedDocument = {
  name: 'asyncapi.yaml',
  render: () => asyncApiDocument(topics.all, { typeOf, sourceOf }, options),
  parse: (text) => parse(text),
  breaks: breaksOfAsyncApi,
};

export const documents: readonly GeneratedDocument[] = [openApi, asyncApi];

/** Where it is kept. `released`: the text that was promised with the last release. */
export function fileOf(name: string, kept: 'generated' | 'released'): string {
  return fileURLToPath(new URL(`docs/${kept}/${name}`, root));
}
