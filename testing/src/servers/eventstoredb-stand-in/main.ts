/**
 * A stand-in for EventStoreDB, for tests alone: one node that speaks the client's protocol. Started by
 * `startEventStoreDbStandIn`, with which it talks over its IPC channel; ends when that closes.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import { append, batchAppend } from './appends.ts';
import { callError, type Fault, Faults } from './faults.ts';
import { type SentEvent, StandInLog } from './log.ts';
import { read } from './reads.ts';

/** What the stand-in is told. */
export type Order =
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'clear' }
  | { readonly kind: 'release' }
  | { readonly kind: 'counts' }
  /** Appends past the protocol, e.g. what is no JSON. */
  | {
      readonly kind: 'inject';
      readonly stream: string;
      readonly events: readonly (Omit<SentEvent, 'data' | 'metadata'> & {
        readonly data: string;
        readonly metadata: string;
      })[];
    };

const VNODE_LEADER = 4;

const { values } = parseArgs({ options: { data: { type: 'string' }, port: { type: 'string' } } });
const port = Number(values.port);
const faults = new Faults();
const log = await StandInLog.open(join(values.data ?? '.', 'stand-in.log'));

const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
const unsupported = (_call: unknown, done: sendUnaryData<never>): void =>
  done({ code: 12, details: 'not in the stand-in' });
server.addService(StreamsService, {
  append: append(log, faults),
  batchAppend: batchAppend(log, faults),
  read: read(log, faults),
  delete: unsupported,
  tombstone: unsupported,
});
server.addService(ServerFeaturesService, {
  getSupportedMethods: (
    _call: unknown,
    done: sendUnaryData<InstanceType<typeof features.SupportedMethods>>,
  ) => {
    const error = callError(faults.take('features'));
    if (error) return done(error);
    const methods = ['append', 'batchappend', 'read'].map((name) => {
      const method = new features.SupportedMethod();
      method.setServiceName('event_store.client.streams.streams');
      method.setMethodName(name);
      return method;
    });
    const supported = new features.SupportedMethods();
    supported.setEventStoreServerVersion('24.2.0');
    supported.setMethodsList(methods);
    done(null, supported);
  },
});
server.addService(GossipService, {
  read: (_call: unknown, done: sendUnaryData<InstanceType<typeof gossip.ClusterInfo>>) => {
    const endpoint = new gossip.EndPoint();
    endpoint.setAddress('127.0.0.1');
    endpoint.setPort(port);
    const member = new gossip.MemberInfo();
    member.setState(VNODE_LEADER);
    member.setIsAlive(true);
    member.setHttpEndPoint(endpoint);
    const cluster = new gossip.ClusterInfo();
    cluster.setMembersList([member]);
    done(null, cluster);
  },
});

process.on('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send?.({ answer }));
});

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'fault':
      return faults.add(order.fault);
    case 'clear':
      return faults.clear();
    case 'release':
      return faults.release();
    case 'counts':
      return faults.counts;
    case 'inject':
      return log.append(
        order.stream,
        order.events.map((event) => ({
          ...event,
          data: Buffer.from(event.data),
          metadata: Buffer.from(event.metadata),
        })),
        null,
      );
  }
}

server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  process.stderr.write(`Not EventStoreDB: a stand-in for tests listens on ${port}.\n`);
  process.send?.({ answer: 'listening' });
});
