/** `npm run bench`: measures, and tells ratios to limits and rivals taken in the same run. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryFolder } from '@annals/cli/local/layout';
import { processOutput } from '@annals/cli/output';
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { Bench, Row } from './kit/bench.ts';
import { createContext } from './kit/context.ts';
import { describeMachine } from './kit/machine.ts';
import { markdownPage, terminalTable } from './kit/report.ts';

const output = processOutput();
const folder = join(repositoryFolder, '.annals');
/** Between two lines on progress where nobody watches. */
const QUIET_MS = 10_000;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const all = await discover<Bench>(new URL('.', import.meta.url), '.bench.ts', ofKind('bench'));
if (options.help) help();
else process.exitCode = await measure(choose(options.only));

function help(): void {
  output.line('npm run bench [-- --only <name>,<name>] [-- --quick]\n');
  for (const { name, about } of all) output.line(`  ${name.padEnd(20)} ${about}`);
  output.line(`
--quick  a few seconds each, with little data: shows that they run; the figures mean nothing.
The table is also written to .annals/bench.md. The exit code is 1 where a bench did not run to its end; a missed
goal is marked ✗ and told, not an error.`);
}

/** Throws for a name that no bench has. */
function choose(only: string | undefined): readonly Bench[] {
  if (only === undefined) return all;
  return only.split(',').map((name) => {
    const found = all.find((bench) => bench.name === name.trim());
    if (!found) throw new Error(`no bench is called ${name}; see --help`);
    return found;
  });
}

async function measure(benches: readonly Bench[]): Promise<number> {
  const rows: Row[] = [];
  const failed: string[] = [];
  let postgres: string | null = null;
  for (const [index, bench] of benches.entries()) {
    const progress = createProgress(`[${index + 1}/${benches.length}] ${bench.name}`);
    const { context, postgresVersion, close } = createContext(options.quick, progress.say);
    try {
      const measured = await bench.run(context);
      rows.push(...measured);
      progress.end();
      for (const line of terminalTable(measured)) output.note(line);
    } catch (error) {
      failed.push(bench.name);
      progress.end();
      output.note(`${bench.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    }
    postgres = await postgresVersion().catch(() => postgres);
    await close();
  }
  const machine = await describeMachine(postgres);
  for (const line of ['', ...terminalTable(rows), '', ...machine]) output.line(line);
  if (options.quick) output.line('A quick run: the figures mean nothing.');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'bench.md'), markdownPage(rows, machine, new Date()));
  if (failed.length > 0) output.line(`Failed: ${failed.join(', ')}.`);
  return failed.length > 0 ? 1 : 0;
}

/** One line that is written over where people watch; where they do not, a line every ten seconds and one per bench. */
function createProgress(prefix: string): { say: (text: string) => void; end: () => void } {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1_000).toFixed(0)} s`;
  let toldAt = start;
  return {
    say: (text) => {
      if (output.isInteractive) process.stderr.write(`\r\x1b[K${prefix}: ${text} (${seconds()})`);
      else if (performance.now() - toldAt > QUIET_MS) {
        toldAt = performance.now();
        output.note(`${prefix}: ${text} (${seconds()})`);
      }
    },
    end: () => {
      if (output.isInteractive) process.stderr.write('\r\x1b[K');
      output.note(`${prefix}: ${seconds()}`);
    },
  };
}
