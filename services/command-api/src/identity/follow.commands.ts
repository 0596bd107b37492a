/** Commands on following [I7]. */
import { follow } from '@annals/contracts/identity/follow.events';
import * as routes from '@annals/contracts/identity/follow.routes';
import { Problem } from '@annals/contracts/problems';
import type { Caller } from '@annals/platform/http/types';
import { defineCommand } from '../commands/command.ts';
import { defineDecider, streamOf } from '../commands/decider.ts';
import { users } from './deciders.ts';
import * as domain from './domain/follow.ts';

const follows = defineDecider(follow, { initial: domain.initial, evolve: domain.evolve });

interface Input {
  readonly params: { readonly id: string };
  readonly caller: Caller;
}

const subject = ({ params, caller }: Input) => ({ userId: params.id, followerId: follower(caller) });
const target = (input: Input) => `${follower(input.caller)}.${input.params.id}`;
const related = ({ params }: Input) => ({ user: streamOf(users, params.id) });
const relationOf = ({ params }: Input) => params.id;

export const followUser = defineCommand(routes.followUser, follows, {
  target,
  related,
  relationOf,
  authorise: (context) => requireRegistered(context.related.user.status),
  decide: (context) => domain.follow(context.state, subject(context)),
});

/** Whoever follows somebody can always end that, whatever has become of the other. */
export const unfollowUser = defineCommand(routes.unfollowUser, follows, {
  target,
  related,
  relationOf,
  authorise(context) {
    if (!context.state.isFollowing) requireRegistered(context.related.user.status);
  },
  decide: (context) => domain.unfollow(context.state, subject(context)),
});

function requireRegistered(status: string): void {
  if (status !== 'registered') throw new Problem('not-found', 'There is no such user.');
}

/** Followers are people. */
function follower(caller: Caller): string {
  if (caller.kind === 'user') return caller.userId;
  throw new Problem('forbidden', 'Only users follow somebody.');
}
