import { defineConfig } from 'vitest/config';

const globalSetup = 'testing/src/servers/global-setup.ts';

/**
 * `unit` needs no server, `db` one shared PostgreSQL, `e2e` boots the whole stack. Each starts its server only when
 * one of its files runs.
 */
// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{contracts,platform,testing,cli,services,infra,bench}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.db.test.ts', '**/*.e2e.test.ts'],
        },
      },
      {
        test: {
          name: 'db',
          include: ['{contracts,platform,testing,cli,services,bench}/**/*.db.test.ts'],
          globalSetup,
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['{testing,cli}/**/*.e2e.test.ts'],
          globalSetup: 'testing/src/e2e/global-setup.ts',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
