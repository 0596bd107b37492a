import type { Held } from './held.ts';
import type { Claim, ConsumerStore, PendingRequest } from './store.ts';
import type { Term } from './term.ts';

/** Requests that wait for the consumer's next moment between two batches. */
export interface Repairs {
  /** All that wait, oldest first; replaces what was known before. */
  ask(requests: readonly PendingRequest[]): void;
  /** They are another owner's now. */
  forget(): void;
  /** Carries out the oldest one in a commit under `claim`; undefined where none waits. */
  carryOut(term: Term, claim: Claim): Promise<Claim | undefined>;
}

/** Creates an empty list. `skip` is the same for all consumers, what else there is depends on the term. */
export function createRepairs(store: Pick<ConsumerStore<never>, 'commit'>, held: Held): Repairs {
  let waiting: readonly PendingRequest[] = [];

  const skip = async (
    claim: Claim,
    request: PendingRequest & { readonly action: 'skip' },
  ): Promise<Claim> => {
    const { position } = request;
    // Only there nothing unhandled lies before it.
    const isHeldThere = held.isAt(position) || claim.heldAt === position;
    if (!isHeldThere)
      return store.commit(claim, claim.position, null, { request, outcome: 'not held there' });
    return store.commit(claim, position, null, { request, outcome: 'skipped' });
  };

  return {
    ask(requests) {
      waiting = requests;
    },
    forget() {
      waiting = [];
    },
    async carryOut(term, claim) {
      const [request] = waiting;
      if (!request) return undefined;
      const next = await (request.action === 'skip' ? skip(claim, request) : term.repair(claim, request));
      // A replay ends a hold as well: a skip asked for after it is not of an event that is yet to come.
      if (next.position !== claim.position) held.end();
      waiting = waiting.filter(({ id }) => id !== request.id);
      return next;
    },
  };
}
