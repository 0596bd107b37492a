/** `Read` of the client's protocol: streams, `$all`, and subscriptions to `$all`. */
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { callError, type Faults } from './faults.ts';
import { comparePlaces, type LoggedEvent, type LogPosition, type StandInLog } from './log.ts';
import { identifierOf, nameOf, toResponse } from './messages.ts';
import { serveSubscription } from './subscription.ts';

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

export function read(log: StandInLog, faults: Faults) {
  return (call: ReadCall): void => {
    call.on('error', () => {});
    serve(call, log, faults).catch((error) => call.destroy(error));
  };
}

async function serve(call: ReadCall, log: StandInLog, faults: Faults): Promise<void> {
  const options = call.request.getOptions();
  if (!options) throw new Error('a read without options');
  if (options.hasSubscription()) return serveSubscription(call, options, log, faults);
  faults.count('read', call.metadata);
  const fault = faults.take('read');
  const error = callError(fault);
  if (error) {
    call.emit('error', error);
    return;
  }
  if (fault?.act === 'silence') return;
  const found = options.hasStream() ? ofStream(options, log) : ofAll(options, log);
  if (found === undefined) {
    const missing = new streams.ReadResp.StreamNotFound();
    missing.setStreamIdentifier(identifierOf(nameOf(options.getStream()?.getStreamIdentifier())));
    const response = new streams.ReadResp();
    response.setStreamNotFound(missing);
    await send(call, response);
  } else {
    for (const event of found) if (!(await send(call, toResponse(event)))) return;
  }
  call.end();
}

function isBackwards(options: ReadReq.Options): boolean {
  return options.getReadDirection() === 1;
}

function ofStream(options: ReadReq.Options, log: StandInLog): readonly LoggedEvent[] | undefined {
  const from = options.getStream();
  const events = log.stream(nameOf(from?.getStreamIdentifier()));
  if (!from || !events) return undefined;
  const count = Number(options.getCount());
  const revision = Number(from.getRevision());
  if (!isBackwards(options)) {
    const start = from.hasStart() ? 0 : from.hasEnd() ? events.length : revision;
    return events.slice(start, start + count);
  }
  const end = from.hasEnd() ? events.length : from.hasStart() ? 1 : Math.min(events.length, revision + 1);
  return events.slice(Math.max(0, end - count), end).reverse();
}

/** Forwards from a position, its event included; backwards up to it. */
function ofAll(options: ReadReq.Options, log: StandInLog): readonly LoggedEvent[] {
  const all = options.getAll();
  const count = Number(options.getCount());
  const { committed } = log;
  const position = all?.getPosition();
  const at = position ? firstAtOrAfter(committed, placeOf(position)) : all?.hasEnd() ? committed.length : 0;
  return isBackwards(options)
    ? committed.slice(Math.max(0, at - count), at).reverse()
    : committed.slice(at, at + count);
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
