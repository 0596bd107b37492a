import { defineConfig } from 'vitest/config';
import { isProving } from './testing/src/config.ts';
import { GuaranteeTable } from './testing/src/guarantees/table.ts';
import { AdapterTable } from './testing/src/suites/table.ts';

const globalSetup = 'testing/src/servers/global-setup.ts';
/** Files that a worker runs one after the other share its modules: loading these takes longer than most files. */
const isolate = false;

/**
 * `unit` needs no server, `db` one shared PostgreSQL, `e2e` boots the whole stack, `shared` one with two replicas and
 * faults for the fuzz and most guarantees. Each starts its server only when one of its files runs; each file of
 * `guarantees` starts a stack of its own; `servers` needs servers that `.ci/run` installs.
 * `npm test` runs them group by group.
 */
// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    maxWorkers: 4,
    reporters: ['default', new GuaranteeTable(), new AdapterTable()],
    projects: [
      {
        test: {
          name: 'unit',
          isolate,
          include: ['{contracts,platform,testing,cli,services,infra,bench}/**/*.test.ts'],
          exclude: [
            '**/node_modules/**',
            '**/*.db.test.ts',
            '**/*.e2e.test.ts',
            '**/*.server.test.ts',
            'testing/**/*.{fuzz,guarantee}.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'db',
          isolate,
          include: ['{contracts,platform,testing,cli,services,bench}/**/*.db.test.ts'],
          globalSetup,
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          name: 'e2e',
          isolate,
          include: ['{testing,cli}/**/*.e2e.test.ts'],
          globalSetup: 'testing/src/e2e/global-setup.ts',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'shared',
          isolate,
          include: ['testing/**/*.fuzz.test.ts', 'testing/**/*.shared.guarantee.test.ts'],
          globalSetup: 'testing/src/shared-stack.ts',
          fileParallelism: false,
          testTimeout: isProving ? 3_600_000 : 300_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'guarantees',
          isolate,
          include: ['testing/**/*.guarantee.test.ts'],
          exclude: ['testing/**/*.shared.guarantee.test.ts'],
          fileParallelism: false,
          testTimeout: isProving ? 3_600_000 : 300_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'servers',
          isolate,
          include: ['{platform,testing,services,cli,bench}/**/*.server.test.ts'],
          globalSetup,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
