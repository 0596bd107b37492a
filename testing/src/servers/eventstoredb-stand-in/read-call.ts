/** What reads and subscriptions have in common. */
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { comparePlaces, type LoggedEvent, type LogPosition } from './log.ts';

export type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

/** Resolves with the first of these that the call emits. */
export function untilAny(call: ReadCall, names: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const name of names) call.off(name, done);
      resolve();
    };
    for (const name of names) call.on(name, done);
  });
}

/** What the end of a call shows in. */
export const ENDS = ['cancelled', 'close', 'error'];

/** Writes with the client's pace; false once the call is over. */
export async function send(call: ReadCall, message: ReadResp): Promise<boolean> {
  if (call.cancelled || call.destroyed) return false;
  if (!call.write(message)) await untilAny(call, ['drain', ...ENDS]);
  return !call.cancelled;
}

export function placeOf(position: ReadReq.Options.Position): LogPosition {
  return { commit: Number(position.getCommitPosition()), prepare: Number(position.getPreparePosition()) };
}

/** The index of the first event that is not before `place`. */
export function firstAtOrAfter(events: readonly LoggedEvent[], place: LogPosition): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const event = events[middle];
    if (event && comparePlaces(event, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
