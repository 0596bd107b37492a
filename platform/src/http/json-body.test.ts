import { expect, it } from 'vitest';
import { inspectJson } from './json-body.ts';

it('finds what no schema may let pass, however deep and whatever the schema', () => {
  const value: unknown = JSON.parse(
    '{"list":[{"__proto__":{"a":1}},{"b\\u0000":"\\udfff"}],"fine":["\\ud83d\\ude00",1,null,true]}',
  );
  expect(inspectJson(value)).toMatchObject([
    { pointer: '/list/0/__proto__', code: 'unknown-field' },
    { pointer: '/list/1/b\u0000', code: 'invalid-text' },
    { pointer: '/list/1/b\u0000', code: 'invalid-text' },
  ]);
});
