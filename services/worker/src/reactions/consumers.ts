/** Reactions as consumers of the log. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { ReactionConsumer } from '@annals/platform/consumer/reaction';
import { addJobs } from '../jobs/add-jobs.ts';
import type { Commands, Reaction } from './reaction.ts';

/** Every reaction of the `*.reactions.ts` files. */
export function discoverReactions(): Promise<readonly Reaction[]> {
  return discover(
    new URL('../', import.meta.url),
    '.reactions.ts',
    ofKind<'worker-reaction', Reaction>('worker-reaction'),
  );
}

/** What the consumer runtime runs. */
export function toConsumer(reaction: Reaction, commands: Commands): ReactionConsumer {
  const { name, version, handles, isOpenEnded = false } = reaction;
  return {
    kind: 'reaction',
    name,
    version,
    handles,
    isOpenEnded,
    async handle(events) {
      const jobs = await reaction.react(events, commands);
      return (client) => addJobs(client, jobs);
    },
  };
}
