/** Closed loops of appends: so many in flight, each at the revision that its stream is known to have. */
import { randomUUID } from 'node:crypto';

/** Appends one event; `expected` is -1 for a stream that is not there. Gives nothing: it throws where it fails. */
export type AppendOne = (stream: string, expected: number, event: BenchEvent) => Promise<unknown>;

export interface BenchEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

/** Streams are this long, as those of an article or a user are. */
const EVENTS_PER_STREAM = 20;

/** An event of 300 bytes: data and metadata as JSON. */
export function benchEvent(): BenchEvent {
  return {
    id: randomUUID(),
    type: 'CommentAdded',
    data: {
      commentId: randomUUID(),
      authorId: randomUUID(),
      content: 'An ordinary remark, as readers make them.',
    },
    metadata: { commandId: randomUUID(), occurredAt: '2026-01-01T00:00:00.000Z', schemaVersion: 1 },
  };
}

/** Keeps `inFlight` appends under way for `ms`; gives how many succeeded, and in how many seconds. */
export async function appendFor(
  ms: number,
  inFlight: number,
  append: AppendOne,
): Promise<{ appended: number; seconds: number }> {
  const start = performance.now();
  let appended = 0;
  const work = async (): Promise<void> => {
    let stream = '';
    let revision = EVENTS_PER_STREAM;
    while (performance.now() - start < ms) {
      if (revision >= EVENTS_PER_STREAM - 1) {
        stream = `comment-${randomUUID()}`;
        revision = -1;
      }
      await append(stream, revision, benchEvent());
      revision++;
      appended++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return { appended, seconds: (performance.now() - start) / 1_000 };
}
