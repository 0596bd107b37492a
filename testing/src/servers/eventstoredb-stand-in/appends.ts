/** `Append` and `BatchAppend` of the client's protocol. */

import shared from '@eventstore/db-client/generated/shared_pb.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerDuplexStream, ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { callError, type Fault, type Faults } from './faults.ts';
import type { Appended, Expected, SentEvent, StandInLog } from './log.ts';
import { failures, identifierOf, isTooLarge, nameOf, toSentEvent } from './messages.ts';

interface Request {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: SentEvent[];
}

interface Expecting {
  hasNoStream(): boolean;
  hasAny(): boolean;
}

function expectedOf(options: Expecting, revision: string): Expected {
  if (options.hasAny()) return null;
  return options.hasNoStream() ? -1 : Number(revision);
}

function isApplied(fault: Fault | undefined): boolean {
  return fault === undefined || !('isApplied' in fault) || fault.isApplied === true;
}

export function batchAppend(log: StandInLog, faults: Faults) {
  return (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const requests = new Map<string, Request>();
    faults.count('batchAppend', call.metadata);
    call.on('data', (message: BatchAppendReq) => {
      const id = message.getCorrelationId()?.getString() ?? '';
      const options = message.getOptions();
      if (options) {
        const expected = expectedOf(options, options.getStreamPosition());
        requests.set(id, { stream: nameOf(options.getStreamIdentifier()), expected, events: [] });
      }
      const request = requests.get(id);
      request?.events.push(...message.getProposedMessagesList().map(toSentEvent));
      if (!request || !message.getIsFinal()) return;
      requests.delete(id);
      void answer(request, message).catch((error) => call.destroy(error));
    });
    call.on('error', () => {});
    call.on('end', () => call.end());

    const answer = async (request: Request, message: BatchAppendReq): Promise<void> => {
      faults.arrived();
      const fault = faults.take('append');
      const response = new streams.BatchAppendResp();
      response.setCorrelationId(message.getCorrelationId());
      response.setStreamIdentifier(identifierOf(request.stream));
      if (isTooLarge(request.events)) {
        response.setError(failures().TooLarge());
      } else if (isApplied(fault)) {
        const { stream, events, expected } = request;
        fill(response, request, await log.append(stream, events, expected), fault);
      }
      if (fault?.act === 'hold') await faults.released;
      if (fault?.act === 'silence') return;
      if (fault?.act === 'refuse') response.setError(failures()[fault.error]());
      const error = callError(fault);
      if (error) call.emit('error', error);
      else if (!call.cancelled) call.write(response);
    };
  };
}

function fill(
  response: BatchAppendResp,
  request: Request,
  outcome: Appended,
  fault: Fault | undefined,
): void {
  if (outcome.kind === 'conflict') {
    response.setError(failures().Conflict(outcome.actual, request.expected));
    return;
  }
  const success = new streams.BatchAppendResp.Success();
  success.setCurrentRevision(String(outcome.revision));
  if (fault?.act === 'no-position') success.setNoPosition(new emptyPb.Empty());
  else {
    const position = new shared.AllStreamPosition();
    position.setCommitPosition(String(outcome.position.commit));
    position.setPreparePosition(String(outcome.position.prepare));
    success.setPosition(position);
  }
  response.setSuccess(success);
}

export function append(log: StandInLog, faults: Faults) {
  return (call: ServerReadableStream<AppendReq, AppendResp>, done: sendUnaryData<AppendResp>): void => {
    let request: Request | undefined;
    faults.count('append', call.metadata);
    call.on('data', (message: AppendReq) => {
      const options = message.getOptions();
      if (options) {
        const expected = expectedOf(options, options.getRevision());
        request = { stream: nameOf(options.getStreamIdentifier()), expected, events: [] };
      }
      const proposed = message.getProposedMessage();
      if (proposed) request?.events.push(toSentEvent(proposed));
    });
    call.on('end', () => {
      if (!request) return;
      const { stream, events, expected } = request;
      const answer = async (): Promise<void> => {
        const fault = faults.take('append');
        const error = callError(fault);
        const outcome = isApplied(fault) ? await log.append(stream, events, expected) : undefined;
        if (error) done(error);
        else if (outcome) done(null, toAppendResp(outcome));
      };
      answer().catch((error) => done(error));
    });
  };
}

function toAppendResp(outcome: Appended): AppendResp {
  const response = new streams.AppendResp();
  if (outcome.kind === 'conflict') {
    const wrong = new streams.AppendResp.WrongExpectedVersion();
    if (outcome.actual < 0) wrong.setCurrentNoStream(new shared.Empty());
    else wrong.setCurrentRevision(String(outcome.actual));
    response.setWrongExpectedVersion(wrong);
    return response;
  }
  const success = new streams.AppendResp.Success();
  success.setCurrentRevision(String(outcome.revision));
  const position = new streams.AppendResp.Position();
  position.setCommitPosition(String(outcome.position.commit));
  position.setPreparePosition(String(outcome.position.prepare));
  success.setPosition(position);
  response.setSuccess(success);
  return response;
}
