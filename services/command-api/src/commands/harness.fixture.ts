/** Command handlers on the memory event store, for tests: as many replicas as wanted on one log. */
import { catalogue } from '@annals/contracts/catalogue';
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Permission } from '@annals/contracts/kit/route';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { createMemoryEventStore, createMemoryLog } from '@annals/platform/event-store/memory';
import type { Caller } from '@annals/platform/http/types';
import { keyedHash } from '@annals/platform/privacy/keyed-hash';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { peekToken } from '@annals/platform/privacy/signed-token';
import { uuidv7 } from '@annals/platform/uuid';
import type { Credentials } from '../identity/credentials.ts';
import { users } from '../identity/deciders.ts';
import { Reservations } from '../reservations/reservations.ts';
import type { Services } from '../services.ts';
import type { AnyCommand } from './command.ts';
import { streamOf } from './decider.ts';
import type { Outcome, Ticket } from './execution.ts';
import type { FaultPoint, Faults } from './faults.ts';
import { createCommandRunner } from './runner.ts';
import { createStreams, type Streams } from './streams.ts';

/** Thrown where a process is to die. */
export class Crash extends Error {}

/** Dies at `point`, once. */
export function crashAt(point: FaultPoint): Faults {
  let isDone = false;
  return (reached) => {
    if (reached !== point || isDone) return;
    isDone = true;
    throw new Crash(point);
  };
}

export interface CallOptions {
  readonly params?: unknown;
  readonly body?: unknown;
  readonly ifMatch?: number;
  /** The caller, or the permissions of the user who calls. */
  readonly caller?: Caller;
  readonly ticket?: Partial<Ticket>;
}

export interface Replica {
  readonly log: EventLog;
  readonly streams: Streams;
  readonly reservations: Reservations;
  run(command: AnyCommand, options?: CallOptions): Promise<Outcome>;
}

/** A caller who is logged in. */
export function userCaller(userId: string, ...permissions: Permission[]): Extract<Caller, { kind: 'user' }> {
  return { kind: 'user', userId, sessionId: 's', permissions: new Set(permissions), address: '::1' };
}

/** A new command's ticket. */
export function newTicket(fields: Partial<Ticket> = {}): Ticket {
  return { commandId: uuidv7(), newId: uuidv7(), now: new Date().toISOString(), isFirst: true, ...fields };
}

/** A log, and replicas of command-api on it. */
export function createHarness() {
  const memory = createMemoryLog();
  const keys = createMemoryKeyStore();
  const hashes = new Map<string, string>();
  /** Who staged exports, by their ids. */
  const exports = new Map<string, string>();
  const credentials: Credentials = {
    stage: async (_userId, passwordId, hash) => void hashes.set(passwordId, hash),
    find: async (passwordId) => hashes.get(passwordId) ?? null,
    findStaged: async () => [],
    markNamed: async () => {},
    removeStale: async () => {},
    retain: async () => {},
    erase: async () => {},
  };
  const servicesOn = (streams: Streams): Services => ({
    passwords: { hash: async (password) => `hash of ${password}`, verify: async () => true },
    passwordPolicy: { rules: ['length'], minLength: 12, common: new Set() },
    credentials,
    exports: {
      async stage(id, userId, limit) {
        const isFull = [...exports.values()].filter((by) => by === userId).length >= limit;
        if (!isFull) exports.set(id, userId);
        return exports.has(id);
      },
      take: async () => {},
      find: async () => null,
      sweep: async () => {},
      erase: async () => {},
    },
    avatars: {
      stage: async () => {},
      find: async () => null,
      retain: async () => {},
      sweep: async () => {},
      erase: async () => {},
    },
    provePassword: async (_user, password) => password !== 'wrong',
    userOf: async (userId) => (await streams.load(streamOf(users, userId))).snapshot.state,
    forgive: async () => {},
    openToken: (_purpose, token) => peekToken(token),
    titleRules: { prohibitedWords: ['spam'], pattern: null },
  });

  function replica(
    options: { faults?: Faults; leaseMs?: number; waitMs?: number; wrap?: (log: EventLog) => EventLog } = {},
  ): Replica {
    const { wrap = (log) => log, faults = () => undefined, ...reservation } = options;
    const store = createMemoryEventStore(memory);
    const log = wrap(createEventLog({ store, catalogue, keys, mayCreateKeys: true }));
    const streams = createStreams(log, { maxEntries: 100, maxBytes: 1_000_000 });
    const hash = (...parts: string[]) => keyedHash(Buffer.alloc(32), ...parts);
    const reservations = new Reservations({ log, hash, ...reservation });
    const runner = createCommandRunner({
      log,
      streams,
      reservations,
      services: servicesOn(streams),
      faults,
      permissionsOf: async (userId) => {
        const { snapshot } = await streams.load(streamOf(users, userId));
        return new Set(snapshot.state.status === 'registered' ? snapshot.state.permissions : []);
      },
    });
    return {
      log,
      streams,
      reservations,
      run: (
        command,
        { params = {}, body = {}, ifMatch = null, caller = userCaller(uuidv7()), ticket } = {},
      ) =>
        runner.run(
          command,
          { params, body, caller, ifMatch, correlationId: uuidv7(), traceparent: undefined },
          newTicket(ticket),
        ),
    };
  }

  return { replica, events: memory.events as unknown as readonly DomainEvent[] };
}
