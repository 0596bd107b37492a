/** `annals projections`: views, those that wait for a repair, and the repairs. */
import { Command, Option } from 'commander';
import { dataOption, opsOption } from '../locate.ts';
import { confirm, known, projectorFor } from '../operate/ask.ts';
import type { ProjectionStatus, Projector, Repair } from '../operate/projector.ts';
import { Failure, type Output, table } from '../output.ts';
import { generationCommands } from './generations.ts';

interface CommonOptions {
  readonly data: string;
  readonly ops?: string[];
  readonly json?: boolean;
}

interface RepairOptions extends CommonOptions {
  readonly wait: string;
}

interface DiscardOptions extends RepairOptions {
  readonly position?: string;
  readonly yes?: boolean;
}

/** The command and its subcommands. */
export function projectionsCommand(output: Output): Command {
  const list = new Command('list')
    .description('every consumer of the log: where it is, who runs it, what of it waits for a repair')
    .action(async (options: CommonOptions) => showAll(await projectorFor(options), options, output));
  const parked = new Command('parked')
    .description('documents that wait for a repair, the longest parked first')
    .argument('[projection]', 'only of this one, e.g. article_list_v4')
    .action(async (projection: string | undefined, options: CommonOptions) =>
      showParked(await projectorFor(options), projection, options, output),
    );
  const retry = withWait(new Command('retry'))
    .description('handle parked events again, in order; what fails again stays parked')
    .argument('[projection]', 'all of this one; without it, all there are')
    .argument('[key]', 'only this document')
    .action(async (projection: string | undefined, key: string | undefined, options: RepairOptions) =>
      retryParked(await projectorFor(options), { projection, key }, options, output),
    );
  const discard = withWait(new Command('discard'))
    .description(
      'give up the parked events of a document, or with --position the event that a projection is held at',
    )
    .argument('<projection>', 'e.g. article_list_v4')
    .argument('[key]', 'the document')
    .option('--position <position>', 'pass over the event at which the projection is held')
    .option('--yes', 'do not ask')
    .action(async (projection: string, key: string | undefined, options: DiscardOptions) =>
      discardParked(await projectorFor(options), toDiscard(projection, key, options), options, output),
    );
  const command = new Command('projections').description(
    'views: their state, repairs, rebuilds, verification',
  );
  for (const one of [list, parked, retry, discard, ...generationCommands(output)]) {
    one.addOption(dataOption()).addOption(opsOption()).option('--json', 'print JSON');
    command.addCommand(one);
  }
  return command;
}

function withWait(command: Command): Command {
  return command.addOption(
    new Option('--wait <seconds>', 'how long to wait for whoever runs the projection').default('30'),
  );
}

async function showAll(projector: Projector, { json }: CommonOptions, output: Output): Promise<void> {
  const projections = await projector.projections();
  if (json) return output.json({ projections });
  const rows = projections.map((one) => [
    ...[one.consumer, String(one.generation), one.through, one.owner ?? 'nobody'],
    ...[stateOf(one, projections), String(one.parkedKeys)],
    one.held ? `held at ${one.held.position}: ${one.held.error}` : '',
  ]);
  const head = ['projection', 'generation', 'position', 'lease of', 'state', 'parked', ''];
  for (const line of table([head, ...rows])) output.line(line);
}

function stateOf(one: ProjectionStatus, all: readonly ProjectionStatus[]): string {
  if (!one.isLive) return 'building';
  const live = all.find(({ consumer }) => one.consumer === `${consumer}_beside`);
  if (!live) return 'live';
  return one.generation > live.generation ? 'built' : 'former';
}

async function showParked(
  projector: Projector,
  projection: string | undefined,
  { json }: CommonOptions,
  output: Output,
): Promise<void> {
  const parked = await projector.parked(await known(projector, projection));
  if (json) return output.json({ parked });
  if (parked.length === 0) return output.line('Nothing is parked.');
  const rows = parked.map(({ consumer, key, events, parkedAt, stream, revision, error }) => [
    ...[consumer, key, String(events), parkedAt, `${stream}@${revision}`, error],
  ]);
  const head = ['projection', 'key', 'events', 'since', 'first event', 'error'];
  for (const line of table([head, ...rows])) output.line(line);
}

async function retryParked(
  projector: Projector,
  { projection, key }: { readonly projection: string | undefined; readonly key: string | undefined },
  options: RepairOptions,
  output: Output,
): Promise<void> {
  const parked = await projector.parked(await known(projector, projection));
  const wanted = parked.filter((one) => key === undefined || one.key === key);
  if (wanted.length === 0 && key !== undefined)
    throw new Failure(`nothing of ${key} is parked in ${projection}`);
  const repairs = wanted.map(({ consumer, key }): Repair => ({ consumer, action: 'retry', key }));
  await carryOut(projector, repairs, 'retried', options, output);
}

function toDiscard(consumer: string, key: string | undefined, { position }: DiscardOptions): Repair {
  if (key !== undefined && position === undefined) return { consumer, action: 'discard', key };
  if (key === undefined && position !== undefined) return { consumer, action: 'skip', position };
  throw new Failure('say which document, or with --position at which event');
}

async function discardParked(
  projector: Projector,
  repair: Repair,
  options: DiscardOptions,
  output: Output,
): Promise<void> {
  await known(projector, repair.consumer);
  const events = await eventsOf(projector, repair);
  if (!options.yes) await confirm(`${repair.consumer} will never show ${events}. Go on? [y/N] `);
  await carryOut(projector, [repair], repair.action === 'skip' ? 'skipped' : 'discarded', options, output);
}

/** What a discard gives up, in words. Throws where there is nothing to give up. */
async function eventsOf(projector: Projector, repair: Repair): Promise<string> {
  if (repair.action === 'skip') {
    const found = (await projector.projections()).find(({ consumer }) => consumer === repair.consumer);
    if (found?.held?.position === repair.position) return `the event at ${repair.position}`;
    throw new Failure(`${repair.consumer} is not held at ${repair.position}`);
  }
  const found = (await projector.parked(repair.consumer)).find(({ key }) => key === repair.key);
  if (!found) throw new Failure(`nothing of ${repair.key} is parked in ${repair.consumer}`);
  return `what ${found.events === 1 ? '1 event' : `${found.events} events`} did to ${repair.key}`;
}

/** One after the other; exits with 1 where not all of them came to `success`. */
async function carryOut(
  projector: Projector,
  repairs: readonly Repair[],
  success: string,
  { wait, json }: RepairOptions,
  output: Output,
): Promise<void> {
  if (!/^\d{1,5}$/.test(wait)) throw new Failure('--wait must be a number of seconds');
  const outcomes: { projection: string; subject: string; outcome: string }[] = [];
  for (const [index, repair] of repairs.entries()) {
    const subject = repair.action === 'skip' ? repair.position : repair.key;
    if (output.isInteractive)
      output.note(`${index + 1} of ${repairs.length}: ${repair.consumer} ${subject} …`);
    const { outcome } = await projector.ask(repair, Number(wait) * 1_000);
    const told = outcome ?? 'asked for; nobody has done it yet';
    outcomes.push({ projection: repair.consumer, subject, outcome: told });
    if (!json) output.line(`${repair.consumer} ${subject}: ${told}`);
  }
  if (json) output.json({ repairs: outcomes });
  else if (repairs.length === 0) output.line('Nothing is parked.');
  if (outcomes.some(({ outcome }) => outcome !== success)) process.exitCode = 1;
}
