/** Subscriptions to `$all`: catching up, then live; checkpoints, caught up and fallen behind as EventStoreDB tells them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { callError, type Faults } from './faults.ts';
import { comparePlaces, type LoggedEvent, type StandInLog } from './log.ts';
import { checkpoint, toResponse } from './messages.ts';
import { ENDS, firstAtOrAfter, placeOf, type ReadCall, send, untilAny } from './read-call.ts';

/** A live subscription that is this many events behind is told that it fell behind. */
const BEHIND = 200;
const DEFAULT_WINDOW = 32;

export async function serveSubscription(
  call: ReadCall,
  options: ReadReq.Options,
  log: StandInLog,
  faults: Faults,
): Promise<void> {
  faults.count('subscribe', call.metadata);
  const fault = faults.take('subscribe');
  const matches = matcherOf(options);
  const filter = options.getFilter();
  const every = filter
    ? (filter.getMax() || DEFAULT_WINDOW) * filter.getCheckpointintervalmultiplier()
    : Infinity;
  const quiet = fault?.act === 'tell-nothing' ? fault : undefined;
  const ended = untilAny(call, ENDS);
  let at = startOf(options, log);
  let isLive = false;
  await send(call, confirmation());
  const error = callError(fault);
  if (error) {
    call.emit('error', error);
    return;
  }
  if (fault?.act === 'checkpoint-ahead') {
    const newest = log.committed.at(-1);
    if (newest)
      await send(
        call,
        checkpoint({ commit: newest.commit + 1_000_000, prepare: newest.prepare + 1_000_000 }),
      );
    if (newest) await send(call, checkpoint(newest));
    call.emit('error', { code: 14, details: 'dropped after a checkpoint' });
    return;
  }
  while (!call.cancelled && !call.destroyed) {
    const event = log.committed[at];
    if (!event) {
      if (!isLive) {
        isLive = true;
        if (!quiet) await send(call, caughtUp());
      }
      const last = log.committed.at(-1);
      if (filter && last) await send(call, checkpoint(last));
      await Promise.race([log.changed(), ended]);
      continue;
    }
    if (fault?.act === 'silence') {
      await ended;
      return;
    }
    if (isLive && log.committed.length - at > BEHIND) {
      isLive = false;
      if (!quiet) await send(call, fellBehind());
    }
    at++;
    if (quiet) await sleep(quiet.everyMs);
    if (matches(event)) await send(call, toResponse(event));
    if (at % every === 0) await send(call, checkpoint(event));
  }
}

function startOf(options: ReadReq.Options, log: StandInLog): number {
  const all = options.getAll();
  if (all?.hasEnd()) return log.committed.length;
  const position = all?.getPosition();
  if (!position) return 0;
  const place = placeOf(position);
  const at = firstAtOrAfter(log.committed, place);
  const found = log.committed[at];
  return found && comparePlaces(found, place) === 0 ? at + 1 : at;
}

function matcherOf(options: ReadReq.Options): (event: LoggedEvent) => boolean {
  const filter = options.getFilter();
  const expression = filter?.getEventType() ?? filter?.getStreamIdentifier();
  if (!expression) return () => true;
  const textOf = (event: LoggedEvent): string => (filter?.hasEventType() ? event.type : event.stream);
  const prefixes = expression.getPrefixList();
  if (prefixes.length > 0) return (event) => prefixes.some((prefix) => textOf(event).startsWith(prefix));
  const regex = new RegExp(expression.getRegex());
  return (event) => regex.test(textOf(event));
}

function confirmation(): ReadResp {
  const message = new streams.ReadResp.SubscriptionConfirmation();
  message.setSubscriptionId(crypto.randomUUID());
  const response = new streams.ReadResp();
  response.setConfirmation(message);
  return response;
}

function caughtUp(): ReadResp {
  const response = new streams.ReadResp();
  response.setCaughtUp(new streams.ReadResp.CaughtUp());
  return response;
}

function fellBehind(): ReadResp {
  const response = new streams.ReadResp();
  response.setFellBehind(new streams.ReadResp.FellBehind());
  return response;
}
