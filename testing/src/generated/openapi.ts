/** `docs/generated/openapi.json`: the whole API as the local profile serves it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { routes } from '@annals/contracts/routes';
import { openApiDocument } from '@annals/platform/http/openapi';

const root = new URL('../../../', import.meta.url);

export const openApiFile = fileURLToPath(new URL('docs/generated/openapi.json', root));

/** The file's text as the route table demands it. */
export function renderOpenApi(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  const document = openApiDocument(routes, { publicUrl: 'http://127.0.0.1:8080', version });
  return `${JSON.stringify(document, null, 2)}\n`;
}
