/** `annals demo`: a stack with a thousand real documents in it. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { repositoryFolder } from '../local/layout.ts';
import { readSecrets } from '../local/secrets.ts';
import { readRunState } from '../local/stack-lock.ts';
import type { Output } from '../output.ts';
import { importFolder, printReport, stateFolderOf } from './import.ts';
import { runStack, type StartOptions, withStartOptions } from './start.ts';

/** Named in the external ids, so that the demo is the same wherever the repository is. */
const SOURCE = 'node_modules';

/** The command. */
export function demoCommand(output: Output): Command {
  return withStartOptions(new Command('demo'))
    .description('start the stack unless it runs, and import the Markdown files of all installed packages')
    .action(async (options: StartOptions) => {
      const running = await readRunState(resolve(options.data));
      if (running) await fill(running.url, options, output);
      else await runStack(options, output, (stack, signal) => fill(stack.url, options, output, signal));
    });
}

async function fill(
  url: string,
  { data, json }: StartOptions,
  output: Output,
  signal?: AbortSignal,
): Promise<void> {
  const { serviceTokens } = await readSecrets(resolve(data));
  output.note('\nImporting the documentation of the installed packages …');
  const startedAt = performance.now();
  const report = await importFolder(
    join(repositoryFolder, SOURCE),
    { url, token: serviceTokens.importer, stateFolder: stateFolderOf(data) },
    { source: SOURCE, includeNodeModules: true, packageAuthors: true },
    output,
    signal,
  );
  if (json) {
    output.json(report);
    return;
  }
  printReport(report, output);
  const seconds = (performance.now() - startedAt) / 1_000;
  output.line(
    `That took ${seconds.toFixed(1)} s: ${Math.round(report.files / seconds)} documents per second.`,
  );
  for (const line of whatToTry(url)) output.line(line);
}

function whatToTry(url: string): string[] {
  return [
    '',
    'Try:',
    `  curl '${url}/v1/articles?pageSize=3&fields=title,author,slug'`,
    `  curl '${url}/v1/articles?search=stream&fields=title'`,
    `  curl '${url}/v1/users?sort=-articleCount&pageSize=3&fields=displayName,articleCount'`,
    `  npx annals status`,
    '',
    'Follow publications live, then publish something in another terminal (README.md, "A tour with curl"):',
    `  node -e 'const s = new (require("ws"))("${url.replace(/^http/, 'ws')}/v1/push", "annals.v1"); s.onopen = () => s.send(JSON.stringify({ id: 1, type: "subscribe", channel: "articles" })); s.onmessage = (m) => console.log(m.data)'`,
    '',
    `In the browser: ${url}/docs`,
  ];
}
