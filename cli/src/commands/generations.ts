/** `annals projections rebuild | switch | rollback | drop | verify`: views as a whole. */
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { confirm, known, projectorFor } from '../operate/ask.ts';
import type { Generation, Projector, Report } from '../operate/projector.ts';
import { Failure, type Output } from '../output.ts';

interface GenerationOptions {
  readonly data: string;
  readonly ops?: string[];
  readonly json?: boolean;
  readonly wait?: string;
}

interface RebuildOptions extends GenerationOptions {
  readonly switch: boolean;
}

/** Without a bar, progress is told this often. */
const NOTE_EVERY_MS = 10_000;

/** The commands, to be added to `annals projections`. */
export function generationCommands(output: Output): readonly Command[] {
  const rebuild = new Command('rebuild')
    .description(
      'build a view anew from the log beside the live one, verify it, and switch: no query fails or waits for it',
    )
    .argument('<projection>', 'e.g. article_list_v4')
    .option('--no-switch', 'stop once it is built and verified; `switch` makes it live')
    .action((projection: string, options: RebuildOptions) =>
      carryOut([projection], options.switch ? 'rebuild' : 'build', options, output),
    );
  const toNewer = new Command('switch')
    .description('make the generation live that was built beside')
    .argument('<projection>', 'e.g. article_list_v4')
    .action((projection: string, options: GenerationOptions) =>
      carryOut([projection], 'switch', options, output),
    );
  const rollback = new Command('rollback')
    .description(
      'make the generation live again that was before; it is folded for a day, unless it is dropped',
    )
    .argument('<projection>', 'e.g. article_list_v4')
    .action((projection: string, options: GenerationOptions) =>
      carryOut([projection], 'rollback', options, output),
    );
  const drop = new Command('drop')
    .description('end the generation beside the live one, or a version that nobody folds any more')
    .argument('<projection>', 'e.g. article_list_v4')
    .option('--yes', 'do not ask')
    .action(async (projection: string, options: GenerationOptions & { readonly yes?: boolean }) => {
      await known(await projectorFor(options), projection);
      if (!options.yes)
        await confirm(
          `What stands beside ${projection}, or an old version of that name, goes. Go on? [y/N] `,
        );
      return carryOut([projection], 'drop', options, output);
    });
  const verify = new Command('verify')
    .description('hold views against a fold of the log: rows, content and the columns that follow from it')
    .argument('[projections...]', 'default: all that are live')
    .action((projections: string[], options: GenerationOptions) =>
      carryOut(projections, 'verify', options, output),
    );
  return [rebuild, toNewer, rollback, drop, verify].map((command) =>
    command.addOption(
      new Option('--wait <seconds>', 'how long to wait; the projector goes on without. Default: to the end'),
    ),
  );
}

const SUCCESS: Readonly<Record<Generation['action'], string>> = {
  build: 'built',
  rebuild: 'switched',
  switch: 'switched',
  rollback: 'rolled back',
  drop: 'dropped',
  verify: 'verified',
};

/** One after the other; exits with 1 where not all of them came to their end. */
async function carryOut(
  names: readonly string[],
  action: Generation['action'],
  options: GenerationOptions,
  output: Output,
): Promise<void> {
  if (options.wait !== undefined && !/^\d{1,6}$/.test(options.wait))
    throw new Failure('--wait must be a number of seconds');
  const projector = await projectorFor(options);
  for (const name of names) await known(projector, name);
  const projections = names.length > 0 ? names : await projector.views();
  const done: { projection: string; outcome: string; verification?: Report['verification'] }[] = [];
  for (const projection of projections) {
    const { outcome, report } = await watch(projector, { consumer: projection, action }, options, output);
    const told = outcome ?? 'asked for; not done yet';
    const verification = report?.verification;
    done.push({ projection, outcome: told, ...(verification ? { verification } : {}) });
    if (!options.json) print(projection, told, verification, output);
  }
  if (options.json) output.json({ projections: done });
  if (done.some(({ outcome }) => outcome !== SUCCESS[action])) process.exitCode = 1;
}

function print(projection: string, outcome: string, found: Report['verification'], output: Output): void {
  const rows = found
    ? ` (${found.rows} documents, ${found.expectedRows} by the log; content ${found.hash.slice(0, 12)}, ${found.expectedHash.slice(0, 12)} by the log${found.parked > 0 ? `; ${found.parked} parked` : ''})`
    : '';
  output.line(`${projection}: ${outcome}${rows}`);
  for (const key of found?.differing ?? []) output.line(`  ${key}`);
  const more = (found?.differences ?? 0) - (found?.differing.length ?? 0);
  if (more > 0) output.line(`  and ${more} more`);
}

/** Asks, and shows how far it is. */
async function watch(
  projector: Projector,
  request: Generation,
  { wait }: GenerationOptions,
  output: Output,
): Promise<{ readonly outcome: string | null; readonly report: Report | null }> {
  const progress = showProgress(request.consumer, output);
  try {
    return await projector.ask(request, wait === undefined ? null : Number(wait) * 1_000, progress.update);
  } finally {
    progress.stop();
  }
}

interface Shown {
  update(report: Report): void;
  stop(): void;
}

function showProgress(projection: string, output: Output): Shown {
  if (output.isInteractive) return showBar(projection);
  let toldAt = performance.now();
  return {
    update(report) {
      if (performance.now() < toldAt + NOTE_EVERY_MS) return;
      toldAt = performance.now();
      output.note(`${projection}: ${describe(report)}`);
    },
    stop: () => undefined,
  };
}

function showBar(projection: string): Shown {
  const bar = new SingleBar({
    format: `${projection} {bar} {state}`,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(100, 0, { state: 'waits for whoever runs it' });
  return {
    update: (report) => bar.update(Math.floor(report.fraction * 100), { state: describe(report) }),
    stop: () => bar.stop(),
  };
}

/** E.g. `building: 43 %, about 12 s left`. */
function describe({ phase, fraction, since, held }: Report): string {
  if (held) return `held at ${held.position ?? 'an event'}: ${held.error}`;
  const percent = `${phase}: ${Math.floor(fraction * 100)} %`;
  if (fraction < 0.01 || fraction >= 1) return percent;
  const elapsed = (Date.now() - Date.parse(since)) / 1_000;
  return `${percent}, about ${Math.ceil((elapsed * (1 - fraction)) / fraction)} s left`;
}
