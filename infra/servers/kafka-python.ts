/** A Kafka client of another language, for consumers written with nothing but the AsyncAPI document: Python's. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { InstallableServer } from './server.ts';

const VERSION = '2.3.3';

export const server: InstallableServer = {
  name: 'kafka-python',
  version: VERSION,
  variable: 'ANNALS_TEST_KAFKA_PYTHON',
  async install(folder) {
    await promisify(execFile)('python3', [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', folder],
      `kafka-python==${VERSION}`,
    ]);
  },
};
