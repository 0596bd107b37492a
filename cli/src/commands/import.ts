/** `annals import <folder>`: Markdown files as published articles of their authors. */
import { realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { createApiClient } from '../import/api-client.ts';
import { findFiles } from '../import/find-files.ts';
import { noState, openImportState } from '../import/import-state.ts';
import { type ImportReport, importFiles } from '../import/importer.ts';
import { createPackageLookup } from '../import/packages.ts';
import { dataOption, runningStack } from '../locate.ts';
import { Failure, type Output } from '../output.ts';
import { onSignals } from '../signals.ts';

interface ImportCommandOptions {
  readonly author?: string;
  readonly source?: string;
  readonly includeNodeModules?: boolean;
  readonly packageAuthors?: boolean;
  readonly data: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Where and as whom an import writes. */
export interface ImportTarget {
  readonly url: string;
  /** Of a caller with `can_import`. */
  readonly token: string;
  /** Where earlier imports are remembered; null: nowhere. */
  readonly stateFolder: string | null;
}

export interface FolderOptions {
  readonly source?: string;
  readonly author?: string;
  readonly includeNodeModules: boolean;
  readonly packageAuthors: boolean;
}

/** Documents on their way at a time. */
const CONCURRENCY = 16;
/** As of a process that SIGINT ended. */
const EXIT_INTERRUPTED = 130;
/** Without a bar, progress is told this often. */
const NOTE_EVERY = 100;

/** The command. */
export function importCommand(output: Output): Command {
  return new Command('import')
    .argument('<folder>', 'folder with Markdown files')
    .description('import Markdown files as published articles; a second run changes only what was edited')
    .option('--author <name>', 'author of files that name none (default: the name of the folder)')
    .option('--source <name>', 'tells folders of the same name apart (default: the name of the folder)')
    .option('--include-node-modules', 'look into folders named node_modules')
    .option(
      '--package-authors',
      'take author and tags from the package.json above a file, where it names none',
    )
    .addOption(dataOption())
    .addOption(new Option('--url <url>', 'an API elsewhere, instead of the local stack').env('ANNALS_URL'))
    .addOption(
      new Option('--token <token>', 'for --url: of a caller with can_import').env('ANNALS_IMPORT_TOKEN'),
    )
    .option('--json', 'print the report as JSON')
    .action(async (folder: string, options: ImportCommandOptions) => {
      const aborter = new AbortController();
      void onSignals({ first: () => aborter.abort(), second: () => process.exit(EXIT_INTERRUPTED) });
      const target = await targetOf(options);
      const report = await importFolder(
        folder,
        target,
        toFolderOptions(folder, options),
        output,
        aborter.signal,
      );
      if (options.json) output.json(report);
      else printReport(report, output);
      if (report.refused.length > 0) process.exitCode = 1;
      if (report.isPartial) process.exitCode = EXIT_INTERRUPTED;
    });
}

/** Imports a folder, showing progress. Throws a {@link Failure} where there is no such folder. */
export async function importFolder(
  folder: string,
  target: ImportTarget,
  options: FolderOptions,
  output: Output,
  signal?: AbortSignal,
): Promise<ImportReport> {
  const root = await realpath(folder).catch(() => null);
  if (root === null || !(await stat(root)).isDirectory())
    throw new Failure(`${resolve(folder)} is not a folder`);
  const source = options.source ?? basename(root);
  const files = await findFiles(root, { nodeModules: options.includeNodeModules });
  const state = target.stateFolder
    ? await openImportState(join(target.stateFolder, `${encodeURIComponent(source)}.jsonl`))
    : noState;
  const progress = showProgress(files.length, output);
  try {
    return await importFiles(files, {
      api: createApiClient(target.url, target.token, signal),
      state,
      source,
      defaultAuthor: options.author ?? source,
      packageOf: options.packageAuthors ? createPackageLookup(root) : null,
      concurrency: CONCURRENCY,
      onProgress: progress.update,
      ...(signal ? { signal } : {}),
    });
  } finally {
    progress.stop();
    await state.close();
  }
}

/** Where the imports of a local stack are remembered. */
export function stateFolderOf(dataFolder: string): string {
  return join(resolve(dataFolder), 'imports');
}

async function targetOf({ url, token, data }: ImportCommandOptions): Promise<ImportTarget> {
  if (url !== undefined) {
    if (token === undefined) throw new Failure('--url needs --token: that of a caller with can_import');
    return { url: url.replace(/\/+$/, ''), token, stateFolder: null };
  }
  const { state, secrets } = await runningStack(data);
  return { url: state.url, token: secrets.serviceTokens.importer, stateFolder: stateFolderOf(data) };
}

function toFolderOptions(folder: string, options: ImportCommandOptions): FolderOptions {
  const isNodeModules = basename(resolve(folder)) === 'node_modules';
  return {
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.author === undefined ? {} : { author: options.author }),
    includeNodeModules: options.includeNodeModules ?? isNodeModules,
    packageAuthors: options.packageAuthors ?? isNodeModules,
  };
}

function showProgress(total: number, output: Output): { update: (done: number) => void; stop: () => void } {
  if (!output.isInteractive) {
    const update = (done: number) => {
      if (done % NOTE_EVERY === 0 || done === total) output.note(`${done} of ${total} files`);
    };
    return { update, stop: () => undefined };
  }
  const bar = new SingleBar({
    format: '{bar} {value} of {total} files, {eta_formatted} left',
    hideCursor: true,
  });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), stop: () => bar.stop() };
}

/** Prints a report for people. */
export function printReport(report: ImportReport, output: Output): void {
  for (const { file, code, reason } of report.refused) output.line(`refused  ${file}: ${reason} (${code})`);
  const { files, created, updated, unchanged, refused, authors, newAuthors } = report;
  output.line(
    `${files} files: ${created} created, ${updated} updated, ${unchanged} unchanged, ${refused.length} refused. Authors: ${authors}, new: ${newAuthors}.`,
  );
  if (report.isPartial) output.line('Interrupted: run the same command again to go on.');
}
