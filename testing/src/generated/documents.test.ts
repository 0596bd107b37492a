import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { asyncApi, documents, fileOf, openApi } from './documents.ts';

describe.each(documents)('$name', ({ name, render, parse, breaks }) => {
  it('is what routes and topics generate', () => {
    const isCurrent = readFileSync(fileOf(name, 'generated'), 'utf8') === render();
    expect(isCurrent, 'outdated: run `node testing/src/generated/write.ts` and commit the result').toBe(true);
  });

  it('keeps what the last release promised', () => {
    const released = parse(readFileSync(fileOf(name, 'released'), 'utf8'));
    const broken = breaks(released, parse(render()));
    expect(
      broken,
      'breaking changes: keep the old beside the new, or say so in CHANGELOG.md and release',
    ).toEqual([]);
  });
});

it('the whole API is valid OpenAPI', async () => {
  const result = await new Validator().validate(JSON.parse(openApi.render()) as Record<string, unknown>);
  expect(result).toMatchObject({ valid: true });
});

describe('asyncapi.yaml', () => {
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
  const ajv = new Ajv({ strict: false, allErrors: false, validateFormats: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);

  const rendered = () => asyncApi.parse(asyncApi.render());

  it('is valid AsyncAPI', () => {
    expect(validate(rendered()), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
  });

  it('would not be valid with an operation that does neither', () => {
    const document = rendered() as { operations: { 'send-push': { action: string } } };
    document.operations['send-push'].action = 'shout';
    expect(validate(document)).toBe(false);
  });

  it('refers to nothing that is not there', () => {
    const document = rendered();
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(refs.length).toBeGreaterThan(10);
    for (const path of refs) {
      const found = path
        .split('/')
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], document);
      expect(found, path).toBeDefined();
    }
  });
});
