/** Messages of the client's protocol to and from the stand-in's own shapes. */

import type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import type { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Message } from 'google-protobuf';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import type { Expected, LoggedEvent, LogPosition, SentEvent } from './log.ts';

const PACKAGE = 'event_store.client';
const MAX_APPEND_BYTES = 1024 * 1024;

type ProposedMessage = Pick<
  BatchAppendReq.ProposedMessage,
  'getId' | 'getMetadataMap' | 'getData_asU8' | 'getCustomMetadata_asU8'
>;

export function toSentEvent(message: ProposedMessage): SentEvent {
  const metadata = message.getMetadataMap();
  return {
    id: idOf(message.getId()),
    type: metadata.get('type') ?? '',
    contentType: metadata.get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

function idOf(id: UUID | undefined): string {
  const text = id?.getString() ?? '';
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new Error(`${text} is no UUID`);
  return text;
}

export function isTooLarge(events: readonly SentEvent[]): boolean {
  const bytes = events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
  return bytes > MAX_APPEND_BYTES;
}

export function nameOf(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? new Uint8Array()).toString('utf8');
}

export function identifierOf(stream: string): StreamIdentifier {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, 'utf8'));
  return identifier;
}

/** An error within a batch append's answer. */
function failure(name: string, details: Message, message = name) {
  const any = new anyPb.Any();
  any.pack(details.serializeBinary(), `${PACKAGE}.${name}`);
  const status = new statuses.Status();
  status.setMessage(message);
  status.setDetails(any);
  return status;
}

export function failures() {
  return {
    Timeout: () => failure('Timeout', new shared.Timeout()),
    Unknown: () => failure('Unknown', new shared.Unknown()),
    /** What the server says while it starts: no message of its own. */
    NotReady: () => failure('Empty', new emptyPb.Empty(), 'Server Is Not Ready'),
    TooLarge: () => {
      const details = new shared.MaximumAppendSizeExceeded();
      details.setMaxappendsize(MAX_APPEND_BYTES);
      return failure('MaximumAppendSizeExceeded', details);
    },
    Conflict: (actual: number, expected: Expected) => {
      const details = new shared.WrongExpectedVersion();
      if (actual < 0) details.setCurrentNoStream(new emptyPb.Empty());
      else details.setCurrentStreamRevision(String(actual));
      if (expected === null) details.setExpectedAny(new emptyPb.Empty());
      else if (expected < 0) details.setExpectedNoStream(new emptyPb.Empty());
      else details.setExpectedStreamPosition(String(expected));
      return failure('WrongExpectedVersion', details);
    },
  };
}

export function toResponse(event: LoggedEvent) {
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  const id = new shared.UUID();
  id.setString(event.id);
  recorded.setId(id);
  recorded.setStreamIdentifier(identifierOf(event.stream));
  recorded.setStreamRevision(String(event.revision));
  recorded.setCommitPosition(String(event.commit));
  recorded.setPreparePosition(String(event.prepare));
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', event.contentType);
  recorded.getMetadataMap().set('created', '638000000000000000');
  recorded.setData(event.data);
  recorded.setCustomMetadata(event.metadata);
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(recorded);
  read.setCommitPosition(String(event.commit));
  const response = new streams.ReadResp();
  response.setEvent(read);
  return response;
}

export function checkpoint({ commit, prepare }: LogPosition) {
  const message = new streams.ReadResp.Checkpoint();
  message.setCommitPosition(String(commit));
  message.setPreparePosition(String(prepare));
  const response = new streams.ReadResp();
  response.setCheckpoint(message);
  return response;
}
