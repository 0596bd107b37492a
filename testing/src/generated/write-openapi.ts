/** Writes `docs/generated/openapi.json`: `node testing/src/generated/write-openapi.ts` (Node 24). */
import { writeFileSync } from 'node:fs';
import { openApiFile, renderOpenApi } from './openapi.ts';

writeFileSync(openApiFile, renderOpenApi());
