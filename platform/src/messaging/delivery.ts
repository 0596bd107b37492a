/** The port of relays towards their topics: records together with the position that they bring a relay to. */
import type { TopicRecord } from '@annals/contracts/kit/topic';
import type { Position } from '../event-store/port.ts';

/** `exactly-once`: for readers of committed records. `at-least-once`: a record may come twice, with the same `ce_id`. */
export type Guarantee = 'exactly-once' | 'at-least-once';

/**
 * Where relays deliver to. Throws `TemporarilyUnavailable` where another attempt may succeed, `RecordRefused` where
 * none will. One call per relay at a time.
 */
export interface Delivery {
  /**
   * Takes a relay over: makes the topics that are not there and, for exactly once, puts a former owner out and gives the
   * position up to which its records are in the topics. Null: they do not say.
   */
  begin(relay: string): Promise<Position | null>;
  /**
   * Writes all records, in order per key, and that they lead to `position`; for exactly once all of it or nothing. After
   * an error the outcome is not known: begin again.
   */
  deliver(relay: string, records: readonly TopicRecord[], position: Position): Promise<void>;
  /** Lets go of a relay. */
  end(relay: string): Promise<void>;
  /** Ends all, what is under way within a moment. */
  close(): Promise<void>;
}
