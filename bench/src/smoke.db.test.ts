import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { discover, ofKind } from '@annals/contracts/kit/discover';
import { expect, test } from 'vitest';
import type { Bench } from './kit/bench.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const bench = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

test('every bench has a name of its own, and --help lists it', async () => {
  const benches = await discover<Bench>(new URL('./', import.meta.url), '.bench.ts', ofKind('bench'));
  const names = benches.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const { stdout } = await bench('--help');
  for (const name of names) expect(stdout).toContain(name);
});

test('a quick run of two benches, of the log and of views, ends with its table', async () => {
  const { stdout } = await bench('--quick', '--only', 'append,growth');
  expect(stdout).toMatch(/append of 300 B, 64 in flight, revision checked .* ≥ 85 %/);
  expect(stdout).toMatch(/events that the reader skipped .* 0 of \d+ vs/);
  expect(stdout).toMatch(/list, cursor deep inside at 200 articles .* cost flat within 20 %/);
});
