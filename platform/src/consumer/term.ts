import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Position } from '../event-store/port.ts';
import type { ConsumerFaults } from './faults.ts';
import type { ReactionConsumer } from './reaction.ts';
import type { Claim, ConsumerStore, PendingRequest } from './store.ts';

/** What one kind of consumer does while it holds a lease. All of it ends in a commit under the claim given. */
export interface Term {
  /** Gets ready for a batch that `apply` will be given next, or that never comes. Must not throw. */
  prepare?(events: readonly DomainEvent[]): void;
  /** Handles a batch and moves the checkpoint to `to`. */
  apply(claim: Claim, events: readonly DomainEvent[], to: Position): Promise<Claim>;
  /** Keys of the documents that the newest `apply` may have changed; null where nobody keeps such documents. */
  readonly touched?: () => ReadonlySet<string> | null;
  /** Carries out a request. */
  repair(claim: Claim, request: PendingRequest): Promise<Claim>;
}

/** Begins a term of a reaction. */
export function openReaction<Effects>(
  reaction: ReactionConsumer<Effects>,
  store: ConsumerStore<Effects>,
  faults?: ConsumerFaults,
): Term {
  return {
    apply: async (claim, events, to) => {
      const effects = await reaction.handle(events);
      await faults?.('performed', claim.consumer);
      return store.commit(claim, to, effects);
    },
    repair: (claim, request) =>
      request.action === 'replay' && reaction.isReplayable
        ? store.commit(claim, request.position, null, { request, outcome: 'replaying' })
        : store.commit(claim, claim.position, null, {
            request,
            outcome: 'a reaction has no view and parks nothing',
          }),
  };
}
