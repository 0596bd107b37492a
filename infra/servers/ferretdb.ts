/** FerretDB: speaks MongoDB's protocol over SQLite, without transactions. Built from its Go module, for tests alone. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstallableServer } from './server.ts';

const run = promisify(execFile);
const VERSION = '1.24.0';

/** `ferretdb <address> <folder>`. The module's own command refuses to be installed by name; its public package does not. */
const MAIN = `package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	listener := ferretdb.ListenerConfig{TCP: os.Args[1]}
	server, err := ferretdb.New(&ferretdb.Config{Listener: listener, Handler: "sqlite", SQLiteURL: "file:" + os.Args[2] + "/"})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
`;

export const server: InstallableServer = {
  name: 'ferretdb',
  version: VERSION,
  variable: 'ANNALS_TEST_FERRETDB_HOME',
  /** Leaves one binary. What Go downloads and compiles on the way is removed. */
  async install(folder) {
    const work = await mkdtemp(join(tmpdir(), 'annals-ferretdb-'));
    const source = join(work, 'source.go');
    const folders = [`GOPATH=${join(work, 'path')}`, `GOCACHE=${join(work, 'cache')}`, 'GOFLAGS=-modcacherw'];
    const go = (...args: readonly string[]) => run('env', [...folders, 'go', ...args], { cwd: work });
    try {
      await writeFile(source, MAIN);
      await go('mod', 'init', 'annals.test/ferretdb');
      await go('get', `github.com/FerretDB/FerretDB/ferretdb@v${VERSION}`);
      await go('build', '-trimpath', '-ldflags', '-s -w', '-o', join(folder, 'ferretdb'), '.');
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};
