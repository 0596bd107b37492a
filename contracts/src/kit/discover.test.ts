import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discover, ofKind } from './discover.ts';

interface Thing {
  readonly kind: 'thing';
  readonly name: string;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'annals-discover-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(path: string, code: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), code);
}
const thing = (name: string) => `{ kind: 'thing', name: '${name}' }`;
const things = async () =>
  (await discover(pathToFileURL(`${folder}/`), '.things.mjs', ofKind<'thing', Thing>('thing'))).map(
    ({ name }) => name,
  );

describe('discover', () => {
  it('finds what files of the suffix export, alone or in lists, in the order of their names', async () => {
    file(
      'b/two.things.mjs',
      `export const list = [${thing('b1')}, ${thing('b2')}]; export const other = { kind: 'other' };`,
    );
    file(
      'a.things.mjs',
      `export const one = ${thing('a')}; export const number = 7; export const nothing = null;`,
    );
    file('c.mjs', `export const one = ${thing('c')};`);
    expect(await things()).toEqual(['a', 'b1', 'b2']);
  });

  it('refuses a file of the suffix that exports nothing of the kind', async () => {
    file('forgotten.things.mjs', `const one = ${thing('a')};`);
    await expect(things()).rejects.toThrow('forgotten.things.mjs');
  });
});
