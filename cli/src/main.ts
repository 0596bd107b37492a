/** `annals …`: starts and operates the local profile, and imports documents. */
import { Command } from 'commander';
import { checkConfigCommand } from './commands/check-config.ts';
import { demoCommand } from './commands/demo.ts';
import { eventsCommand } from './commands/events.ts';
import { importCommand } from './commands/import.ts';
import { projectionsCommand } from './commands/projections.ts';
import { secretsCommand } from './commands/secrets.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { topicsCommand } from './commands/topics.ts';
import { usersCommand } from './commands/users.ts';
import { processOutput } from './output.ts';

const output = processOutput();
const program = new Command('annals')
  .description('Annals: the backend of a publication and its community')
  .showHelpAfterError()
  .addCommand(startCommand(output))
  .addCommand(importCommand(output))
  .addCommand(statusCommand(output))
  .addCommand(projectionsCommand(output))
  .addCommand(topicsCommand(output))
  .addCommand(usersCommand(output))
  .addCommand(eventsCommand(output))
  .addCommand(checkConfigCommand(output))
  .addCommand(secretsCommand(output))
  .addCommand(demoCommand(output));

/** Errors that are answers to the user rather than mistakes of ours. */
const EXPECTED = new Set([
  'Failure',
  'AlreadyRunning',
  'PortUnusable',
  'ConfigError',
  'StartFailed',
  'FolderUnusable',
]);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Tells of a failure; returns the exit code. */
function report(error: unknown): number {
  const isExpected = error instanceof Error && EXPECTED.has(error.name);
  output.note(
    `\n${isExpected ? (error as Error).message : String(error instanceof Error ? error.stack : error)}`,
  );
  return 1;
}
