/** What the runner opens for a bench, and closes after it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReleasers } from '@annals/platform/lifecycle/releasers';
import type { BenchContext } from './bench.ts';
import { type BenchPostgres, startBenchPostgres } from './postgres.ts';

/** The context of one bench, and what closes everything in it. */
export function createContext(isQuick: boolean, say: (text: string) => void) {
  const releasers = createReleasers();
  let server: Promise<BenchPostgres> | undefined;
  const start = async (settings?: Readonly<Record<string, string>>): Promise<BenchPostgres> => {
    // Passable for others: as root, PostgreSQL runs as an ordinary user.
    const folder = await mkdtemp(join(tmpdir(), 'annals-bench-'));
    await chmod(folder, 0o711);
    releasers.add(() => rm(folder, { recursive: true, force: true }));
    const started = await startBenchPostgres(folder, settings);
    releasers.add(() => started.stop());
    return started;
  };
  const context: BenchContext = {
    isQuick,
    pick: (quick, full) => (isQuick ? quick : full),
    say,
    postgres: (settings) => {
      server ??= start(settings);
      return server;
    },
    onEnd: (release) => releasers.add(async () => void (await release())),
  };
  return {
    context,
    /** The version of the server that was started, if any. */
    postgresVersion: async () => (await server)?.version ?? null,
    close: () => releasers.release(),
  };
}
