/** `npm run prove`: the guarantees with full counts, all or those whose numbers are given. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '@annals/cli/local/layout';
import { provingEnvironment } from '../config.ts';

const HELP = `Usage: npm run prove -- [number | fuzz | topics …]

Runs the guarantees of docs/guarantees.md and the fuzz on real processes and a real PostgreSQL with full counts (more
than an hour for all of them), prints a table and writes it to .annals/prove.md. Numbers choose some, fuzz the fuzz,
topics those of docs/topics.md, which need Kafka (CONTRIBUTING.md):
npm run prove -- 2 18 fuzz
`;

const suffix = '.guarantee.test.ts';

/** Everything that is fuzzed, below the repository's folder. */
const FUZZ = ['testing/src/fuzz', 'services'];

const TOPICS = join(repositoryFolder, 'testing', 'src', 'topics', 'topics.server.test.ts');

/** Paths of the files with these numbers, `fuzz` for the fuzz; all where there are none. Throws for what is not there. */
function filesOf(chosen: readonly string[]): string[] {
  const guarantees = readdirSync(import.meta.dirname).filter((name) => name.endsWith(suffix));
  if (chosen.length === 0)
    return filesOf([...guarantees.map((name) => String(Number.parseInt(name, 10))), 'fuzz']);
  return chosen.flatMap((number) => {
    if (number === 'fuzz') return fuzzFiles();
    if (number === 'topics') return [TOPICS];
    const file = guarantees.find((name) => Number.parseInt(name, 10) === Number(number));
    if (!file) throw new Error(`there is no guarantee ${number}`);
    return [join(import.meta.dirname, file)];
  });
}

function fuzzFiles(): string[] {
  return FUZZ.flatMap((folder) =>
    readdirSync(join(repositoryFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.fuzz.test.ts') && !name.includes('node_modules'))
      .map((name) => join(repositoryFolder, folder, name)),
  );
}

async function prove(numbers: readonly string[]): Promise<number> {
  const vitest = join(repositoryFolder, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', ...filesOf(numbers)], {
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
