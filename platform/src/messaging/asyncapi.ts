/** The AsyncAPI document: integration topics, generated from their definitions, and the push protocol from its messages. */
import type { Topic, TopicEvent, TopicState } from '@annals/contracts/kit/topic';
import { clientMessage, closeCodes, PUSH_SUBPROTOCOL, serverMessage } from '@annals/contracts/push/messages';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { Json, JsonObject } from '../http/openapi-components.ts';

/** A topic's members as they are named on the wire. */
export interface Naming {
  typeOf(member: TopicEvent | TopicState): string;
  sourceOf(member: TopicEvent | TopicState): string;
}

export interface AsyncApiOptions {
  /** What clients see of the push server. */
  readonly publicUrl: string;
  readonly version: string;
}

/** Describes `topics` and the push protocol as YAML. Equal definitions give equal text. */
export function asyncApiDocument(topics: readonly Topic[], naming: Naming, options: AsyncApiOptions): string {
  const push = pushChannel();
  const channels = topics.map((topic) => [channelName(topic), topicChannel(topic, naming)] as const);
  const document: JsonObject = {
    asyncapi: '3.0.0',
    info: {
      title: 'Annals',
      version: options.version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: serversOf(options.publicUrl),
    channels: { push: push.channel, ...Object.fromEntries(channels) },
    operations: {
      ...push.operations,
      ...Object.fromEntries(topics.map((topic) => [`publish-${channelName(topic)}`, publication(topic)])),
    },
  };
  return stringify(document, { lineWidth: 110, aliasDuplicateObjects: false });
}

const DESCRIPTION = [
  'What Annals tells by itself: to other systems over Kafka, to clients over a WebSocket.',
  'Records of topics are CloudEvents 1.0 in binary mode: attributes are headers, the value is JSON. Their key is the',
  'subject’s id, and records of one key come in order. A record may have further members in later releases.',
].join('\n');

function serversOf(publicUrl: string): JsonObject {
  const { host, protocol, pathname } = new URL(publicUrl);
  return {
    push: {
      host,
      protocol: protocol === 'https:' ? 'wss' : 'ws',
      ...(pathname === '/' ? {} : { pathname }),
      description: `Subprotocol ${PUSH_SUBPROTOCOL}`,
    },
    kafka: {
      host: '{brokers}',
      protocol: 'kafka',
      description: 'Where the operator has set ANNALS_KAFKA_BROKERS. Read committed records.',
      variables: { brokers: { default: 'localhost:9092', description: 'host:port' } },
    },
  };
}

/** `publishing`, `publishing-state`. */
function channelName({ context, carries }: Topic): string {
  return carries === 'events' ? context : `${context}-state`;
}

function topicChannel(topic: Topic, naming: Naming): JsonObject {
  const isState = topic.carries === 'states';
  return {
    address: topic.name,
    title: isState ? `Newest public state of ${topic.context}` : `Events of ${topic.context}`,
    description: isState
      ? 'Compacted: the newest record of a key is its subject’s public state, none (a tombstone) that it has none any more.'
      : 'Events in the order in which they happened to their subject. Kept for a time; the state topic is not.',
    servers: [{ $ref: '#/servers/kafka' }],
    messages: Object.fromEntries(topic.members.map((member) => [member.name, topicMessage(member, naming)])),
    bindings: {
      kafka: {
        topic: topic.name,
        topicConfiguration: { 'cleanup.policy': [isState ? 'compact' : 'delete'] },
      },
    },
  };
}

function topicMessage(member: TopicEvent | TopicState, naming: Naming): JsonObject {
  const payload = toJsonSchema(member.data, 'output');
  const tombstone = { type: 'null', description: 'It has no public state any more' };
  return {
    name: naming.typeOf(member),
    title: member.summary,
    contentType: 'application/json',
    headers: headersOf(naming.typeOf(member), naming.sourceOf(member)),
    payload: member.kind === 'topic-state' ? { oneOf: [payload, tombstone] } : payload,
    bindings: { kafka: { key: { type: 'string', format: 'uuid', description: 'The subject’s id' } } },
  };
}

function headersOf(type: string, source: string): JsonObject {
  const headers = {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: { type: 'string', format: 'uuid', description: 'Of the event: who has seen it knows this record' },
    ce_source: { type: 'string', const: source },
    ce_type: { type: 'string', const: type },
    ce_subject: { type: 'string', format: 'uuid', description: 'The key once more' },
    ce_time: { type: 'string', format: 'date-time' },
    'content-type': { type: 'string', const: 'application/json' },
  };
  const traceparent = { type: 'string', description: 'W3C trace context of the request that caused it' };
  return {
    type: 'object',
    properties: { ...headers, ce_traceparent: traceparent },
    required: Object.keys(headers),
  };
}

function publication(topic: Topic): JsonObject {
  const channel = channelName(topic);
  return {
    action: 'send',
    channel: { $ref: `#/channels/${channel}` },
    summary: `Annals publishes to ${topic.name}`,
  };
}

function pushChannel(): { readonly channel: JsonObject; readonly operations: JsonObject } {
  const received = messagesOf(clientMessage.options, 'input');
  const sent = messagesOf(serverMessage.options, 'output');
  const refs = (messages: JsonObject) =>
    Object.keys(messages).map((name) => ({ $ref: `#/channels/push/messages/${name}` }));
  const codes = Object.entries(closeCodes).map(([name, code]) => `${code} ${name}`);
  return {
    channel: {
      address: '/v1/push',
      title: 'Push',
      description: `JSON messages, one a line, several a frame. Close codes: ${codes.join(', ')}.`,
      servers: [{ $ref: '#/servers/push' }],
      messages: { ...received, ...sent },
      bindings: { ws: { method: 'GET' } },
    },
    operations: {
      'receive-push': {
        action: 'receive',
        channel: { $ref: '#/channels/push' },
        summary: 'Clients ask',
        messages: refs(received),
      },
      'send-push': {
        action: 'send',
        channel: { $ref: '#/channels/push' },
        summary: 'Annals answers and tells',
        messages: refs(sent),
      },
    },
  };
}

type Message = z.ZodObject<{ readonly type: z.ZodLiteral<string> }>;

function messagesOf(options: readonly Message[], io: 'input' | 'output'): JsonObject {
  return Object.fromEntries(
    options.map((option) => {
      const name = option.shape.type.value;
      return [name, { name, payload: toJsonSchema(option, io) }];
    }),
  );
}

/** What is sent stays open for further members. */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  return json as Record<string, Json>;
}
