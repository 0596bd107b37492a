/** Reads of EventStoreDB that end by themselves, as lists. */
import type { ResolvedEvent, StreamingRead } from '@eventstore/db-client';
import { NoAnswer } from './errors.ts';

/** A read that has brought nothing for this long is given up: the client would wait for ever. */
const READ_MS = 10_000;

export type Read = StreamingRead<ResolvedEvent>;

/**
 * Calls `take` with each event of a read, until it returns false. To leave before the end costs the client its channel.
 * Throws {@link NoAnswer} where nothing comes for `idleMs`.
 */
export async function collect(
  read: Read,
  take: (event: ResolvedEvent) => boolean,
  idleMs = READ_MS,
): Promise<void> {
  let hasEnded = false;
  const timer = setTimeout(
    () => read.destroy(new NoAnswer(`EventStoreDB sent nothing for ${idleMs} ms`)),
    idleMs,
  );
  // The client emits errors also after the first one.
  read.on('error', () => {});
  try {
    for await (const event of read) {
      timer.refresh();
      if (!take(event)) return;
    }
    hasEnded = true;
  } finally {
    clearTimeout(timer);
    // Otherwise the server goes on, and stops where the transport is full.
    if (!hasEnded) read.cancel().catch(() => {});
  }
}
