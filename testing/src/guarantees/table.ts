/** The table of a run of guarantees, from what vitest knows of their tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repositoryFolder } from '@annals/cli/local/layout';
import type { Reporter, TestModule } from 'vitest/node';
import { isProving } from '../config.ts';
import type { Facts } from './report.ts';

interface Line {
  readonly number: string;
  readonly title: string;
  readonly facts: Facts;
  readonly verdict: string;
  readonly seconds: number;
}

/** Files of the fuzz have a line each as well. */
const LISTED = /\.(guarantee|fuzz)\.test\.ts$/;

/** Prints the table once all tests are over, and keeps that of `npm run prove` in `.annals/prove.md`. */
export class GuaranteeTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules
      .filter(({ moduleId }) => LISTED.test(moduleId))
      .map(lineOf)
      .toSorted((one, other) => rank(one) - rank(other));
    if (lines.length === 0) return;
    const table = toMarkdown(lines);
    process.stdout.write(`\n${table}\n`);
    if (!isProving) return;
    const folder = join(repositoryFolder, '.annals');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'prove.md'), table);
  }
}

function rank({ number }: Line): number {
  return Number.isNaN(Number(number)) ? Number.POSITIVE_INFINITY : Number(number);
}

/** A file is a guarantee: its number and name come from the file's name where no test of it has reported. */
function lineOf(module: TestModule): Line {
  const tests = [...module.children.allTests()];
  const facts = Object.assign({}, ...tests.map((test) => test.meta().guarantee?.facts ?? {})) as Facts;
  const states = new Set(tests.map((test) => test.result().state));
  const failed = module.state() === 'failed' || states.has('failed');
  const isSkipped = states.size === 1 && states.has('skipped');
  const name = basename(module.moduleId);
  const isFuzz = name.endsWith('.fuzz.test.ts');
  return {
    number: isFuzz ? 'fuzz' : String(Number.parseInt(name, 10)),
    title: isFuzz ? name.slice(0, name.indexOf('.')) : (tests[0]?.name ?? name),
    facts,
    verdict: failed ? 'FAILS' : isSkipped ? 'skipped' : 'holds',
    seconds: module.diagnostic().duration / 1000 + module.diagnostic().setupDuration / 1000,
  };
}

function toMarkdown(lines: readonly Line[]): string {
  const rows = lines.map(({ number, title, facts, verdict, seconds }) => {
    const told = Object.entries(facts).map(([what, value]) => `${what}: ${value}`);
    return `| ${number} | ${title} | ${verdict} | ${told.join(', ')} | ${seconds.toFixed(0)} |`;
  });
  return ['| # | guarantee | verdict | counts | s |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}
