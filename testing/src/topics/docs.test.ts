import { readFileSync } from 'node:fs';
import { topics } from '@annals/contracts/topics';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../../docs/topics.md', import.meta.url), 'utf8');

test('docs/topics.md shows the reader that is tested', () => {
  const script = readFileSync(new URL('./reader.py', import.meta.url), 'utf8');
  expect(page).toContain(script.slice(script.indexOf('import json')));
});

test('docs/topics.md names every topic', () => {
  for (const { name } of topics.all) expect(page).toContain(`\`${name}\``);
});
