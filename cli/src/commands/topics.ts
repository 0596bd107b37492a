/** `annals topics`: what other systems are told, and telling it again. */
import { Command, Option } from 'commander';
import { dataOption, operated, opsOption } from '../locate.ts';
import { type Projector, projectorOf } from '../operate/projector.ts';
import { Failure, type Output, table } from '../output.ts';

interface CommonOptions {
  readonly data: string;
  readonly ops?: string[];
  readonly json?: boolean;
}

interface ReplayOptions extends CommonOptions {
  readonly from: string;
  readonly relay?: string;
  readonly wait: string;
}

/** The command and its subcommands. */
export function topicsCommand(output: Output): Command {
  const list = new Command('list')
    .description('integration topics, what they carry, and how far their relays are')
    .action(async (options: CommonOptions) => showAll(projectorOf(await operated(options)), options, output));
  const replay = new Command('replay')
    .description('publish again what follows a position; readers know records by their ce_id')
    .requiredOption('--from <position>', 'a position of the log, or start')
    .option('--relay <relay>', 'only this one, e.g. topic_states_v1')
    .addOption(new Option('--wait <seconds>', 'how long to wait for whoever runs the relay').default('30'))
    .action(async (options: ReplayOptions) =>
      replayFrom(projectorOf(await operated(options)), options, output),
    );
  const command = new Command('topics').description('integration topics (Kafka)');
  for (const one of [list, replay]) {
    one.addOption(dataOption()).addOption(opsOption()).option('--json', 'print JSON');
    command.addCommand(one);
  }
  return command;
}

async function showAll(projector: Projector, { json }: CommonOptions, output: Output): Promise<void> {
  const { topics, relays } = await projector.topics();
  const running = (await projector.projections()).filter(({ consumer }) => relays.includes(consumer));
  if (json) return output.json({ topics, relays: running });
  if (relays.length === 0) output.line('The relay is off: ANNALS_KAFKA_BROKERS is not set.\n');
  const rows = topics.flatMap(({ name, carries, types }) =>
    types.map((type, index) => (index === 0 ? [name, carries, type] : ['', '', type])),
  );
  for (const line of table([['topic', 'carries', 'records'], ...rows])) output.line(line);
  if (relays.length === 0) return;
  output.line('');
  const states = running.map(({ consumer, through, owner, held }) => [
    ...[consumer, through, owner ?? 'nobody', held ? `held at ${held.position}: ${held.error}` : ''],
  ]);
  for (const line of table([['relay', 'position', 'lease of', ''], ...states])) output.line(line);
}

async function replayFrom(projector: Projector, options: ReplayOptions, output: Output): Promise<void> {
  const waitMs = Number(options.wait) * 1_000;
  if (!(waitMs >= 0)) throw new Failure('--wait is a number of seconds');
  const { from, relay } = options;
  const outcomes = await projector.replay({ from, ...(relay === undefined ? {} : { relay }) }, waitMs);
  if (options.json) output.json({ outcomes });
  else for (const outcome of outcomes) output.line(outcome ?? 'nobody runs the relay yet; it is asked for');
  if (outcomes.some((outcome) => outcome !== 'replaying')) process.exitCode = 1;
}
