/** A stack of stand-ins under the real supervisor; also a script, to be killed: `<data folder> <ports…>`. */
import { fileURLToPath } from 'node:url';
import { callerEnvironment } from '../config.ts';
import type { KnownVariables } from './environment.ts';
import { layoutOf, serviceNames } from './layout.ts';
import type { Stack } from './stack.ts';
import { startStack } from './supervisor.ts';

const fakeService = fileURLToPath(new URL('./fake-service.fixture.ts', import.meta.url));
const taken = new Set(['ANNALS_PORT', 'ANNALS_OPS_PORT', 'ANNALS_DATABASE_URL']);
const known = Object.fromEntries(serviceNames.map((name) => [name, taken])) as unknown as KnownVariables;

/** Starts stand-ins for all services; notes of the supervisor go to `notes`. */
export function startFakeStack(
  dataFolder: string,
  ports: readonly number[],
  notes: string[] = [],
  mainFile = (): string => fakeService,
): Promise<Stack> {
  const rest = [...ports];
  return startStack({
    dataFolder,
    layout: layoutOf(() => rest.shift() ?? 0),
    host: '127.0.0.1',
    env: callerEnvironment(),
    tuning: {},
    known,
    log: { write: async () => undefined, close: async () => undefined },
    say: (message) => notes.push(message),
    mainFile,
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dataFolder = '', ...ports] = process.argv.slice(2);
  const stack = await startFakeStack(dataFolder, ports.map(Number));
  process.stdout.write(`${JSON.stringify(stack.pids())}\n`);
}
