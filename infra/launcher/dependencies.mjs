/** Installs the dependencies where they are missing or not those of package-lock.json. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, say } from './run.mjs';

/**
 * Runs `npm ci` unless node_modules is up to date: what this launcher installed from the same lock file, or what npm
 * itself installed after the lock file last changed. Throws where the installation fails.
 * @param {{ root: string, npm: readonly string[], env: NodeJS.ProcessEnv }} options
 */
export async function ensureDependencies({ root, npm: [command, ...args], env }) {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.annals-lock-hash');
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (readIfThere(stamp) === hash) return;
  if (modifiedAt(join(root, 'node_modules', '.package-lock.json')) < modifiedAt(lock)) {
    say('Installing dependencies …');
    const code = await run(command, [...args, 'ci', '--no-audit', '--no-fund'], { cwd: root, env });
    if (code !== 0) throw new Error('the dependencies could not be installed; npm says why above');
  }
  writeFileSync(stamp, hash);
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Milliseconds since 1970; 0 for a file that is not there. */
function modifiedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
