import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { openApiFile, renderOpenApi } from './openapi.ts';

it('docs/generated/openapi.json is what the route table generates', () => {
  const isCurrent = readFileSync(openApiFile, 'utf8') === renderOpenApi();
  expect(isCurrent, 'outdated: run `node testing/src/generated/write-openapi.ts` and commit the result').toBe(
    true,
  );
});

it('the whole API is valid OpenAPI', async () => {
  const result = await new Validator().validate(JSON.parse(renderOpenApi()) as Record<string, unknown>);
  expect(result).toMatchObject({ valid: true });
});
