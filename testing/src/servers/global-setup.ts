/** Starts the one PostgreSQL server of a test run that has database tests, and removes it afterwards. */
import type { TestProject } from 'vitest/node';
import { sharedPostgres } from './postgres.ts';

/** Called by vitest before the first file that needs it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await sharedPostgres();
  project.provide('postgresUrl', server.url);
  return () => server.remove();
}
