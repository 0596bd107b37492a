/** `npm run prove`: the guarantees with full counts, all or those whose numbers are given. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '@annals/cli/local/layout';
import { provingEnvironment } from '../config.ts';

const HELP = `Usage: npm run prove -- [number …]

Runs the guarantees of docs/guarantees.md on real processes and a real PostgreSQL with full counts (about an hour for
all of them), prints a table and writes it to .annals/prove.md. Numbers choose some: npm run prove -- 2 18
`;

const suffix = '.guarantee.test.ts';

/** The files of the guarantees with these numbers; all where there are none. Throws for a number without a file. */
function filesOf(numbers: readonly string[]): string[] {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(suffix));
  if (numbers.length === 0) return files;
  return numbers.map((number) => {
    const file = files.find((name) => Number.parseInt(name, 10) === Number(number));
    if (!file) throw new Error(`there is no guarantee ${number}`);
    return file;
  });
}

async function prove(numbers: readonly string[]): Promise<number> {
  const vitest = join(repositoryFolder, 'node_modules', 'vitest', 'vitest.mjs');
  const files = filesOf(numbers).map((file) => join(import.meta.dirname, file));
  const child = spawn(process.execPath, [vitest, 'run', '--project', 'guarantees', ...files], {
    cwd: repositoryFolder,
    env: provingEnvironment(),
    stdio: 'inherit',
  });
  // The terminal sends its signals to the child as well.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'close');
  return code ?? 1;
}

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) process.stdout.write(HELP);
else {
  try {
    process.exitCode = await prove(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exitCode = 1;
  }
}
