/** SecantusDB: speaks MongoDB's protocol, with transactions; storage is WiredTiger. GPL, a process of its own, for tests alone. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstallableServer } from './server.ts';

const run = promisify(execFile);
const VERSION = '0.7.0b3';

export const server: InstallableServer = {
  name: 'secantusdb',
  version: VERSION,
  variable: 'ANNALS_TEST_SECANTUSDB_HOME',
  /** A virtual environment. Its scripts hold the folder's name, which changes: start it as `bin/python -m secantus`. */
  async install(folder) {
    await run('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--disable-pip-version-check'];
    await run(join(folder, 'bin', 'python'), [...pip, `secantusdb==${VERSION}`]);
  },
};
