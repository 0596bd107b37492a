/** What `*.reactions.ts` files export: what follows from events, as commands to command-api and jobs of our own. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { JobRequest } from '../jobs/task.ts';

/** Issues commands over HTTP with the service's token. */
export interface Commands {
  /**
   * Posts `body` to a path of command-api. `idempotencyKey` derives from the causing event, so that a redelivery is
   * harmless. Throws `TemporarilyUnavailable` where another attempt may succeed, and another error where none will.
   */
  post(path: string, body: object, idempotencyKey: string): Promise<void>;
  /** What command-api keeps: the JSON of an internal path. Throws likewise. */
  get(path: string): Promise<unknown>;
}

/** A reaction. Its jobs are added in the transaction that moves its checkpoint. */
export interface Reaction {
  readonly kind: 'worker-reaction';
  /** snake_case. A new version sees all events again. */
  readonly name: string;
  readonly version: number;
  readonly handles: ReadonlySet<string>;
  /** Set where `handles` is whatever the catalogue knows. */
  readonly isOpenEnded?: boolean;
  /** Called again with the same events until their jobs are committed: whatever it does must bear repetition. */
  readonly react: (events: readonly DomainEvent[], commands: Commands) => Promise<readonly JobRequest[]>;
}
