/** `Read` of the client's protocol: streams, `$all`, and subscriptions to `$all`. */
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { callError, type Faults } from './faults.ts';
import type { LoggedEvent, StandInLog } from './log.ts';
import { identifierOf, nameOf, toResponse } from './messages.ts';
import { firstAtOrAfter, placeOf, type ReadCall, send } from './read-call.ts';
import { serveSubscription } from './subscription.ts';

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
