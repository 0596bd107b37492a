/**
 * One command on its way from the request to the log: load, authorise, decide, reserve unique keys, append; on a
 * conflict all over again. Knows no aggregate. Its promise: whatever is answered without appending was decided on
 * the stream read to its end.
 */
import type { DomainEvent, KeyClaim } from '@annals/contracts/kit/event';
import type { Permission, Route } from '@annals/contracts/kit/route';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { Problem } from '@annals/contracts/problems';
import type { EventLog } from '@annals/platform/event-log/log';
import { EventTooLarge, RevisionConflict } from '@annals/platform/event-store/port';
import { type Caller, holds } from '@annals/platform/http/types';
import type { Reservations, Reserved } from '../reservations/reservations.ts';
import type { Services } from '../services.ts';
import type { AnyCommand, CommandContext, CommandInput } from './command.ts';
import { type DecidedEvent, type StreamRef, streamOf, type TakenKey } from './decider.ts';
import { actorOf, type Origin, toEvents } from './events.ts';
import type { Faults } from './faults.ts';
import { emptySnapshot, expectedRevision, type Snapshot, type Streams } from './streams.ts';

/** The parts of a request that a command depends on. */
export interface CommandRequest {
  readonly params: unknown;
  readonly body: unknown;
  readonly caller: Caller;
  readonly ifMatch: number | null;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
}

/** What the first attempt of a command fixed, so that a repetition does the same. */
export interface Ticket {
  readonly commandId: string;
  /** Of what the command creates. */
  readonly newId: string;
  /** RFC 3339 in UTC, milliseconds. */
  readonly now: string;
  /** False where an earlier attempt may have got as far as appending. */
  readonly isFirst: boolean;
}

export interface Outcome {
  readonly id: string;
  /** Of the stream's newest event, or of the command's own last one. */
  readonly revision: number;
  readonly position: string;
  readonly hasAppended: boolean;
}

export interface ExecutionTools {
  readonly log: EventLog;
  readonly streams: Streams;
  readonly reservations: Reservations;
  readonly services: Services;
  /** The permissions of a user, from the user's own stream read to its end. */
  readonly permissionsOf: (userId: string) => Promise<ReadonlySet<Permission>>;
  readonly faults: Faults;
}

/** How often a command is decided anew because its stream moved under it. */
const MAX_ROUNDS = 10;

interface Target {
  readonly snapshot: Snapshot<unknown>;
  /** Whether the snapshot was read to the stream's end, rather than remembered. */
  readonly isAtEnd: boolean;
}

/** Decided events, and the unique keys that they take and give up. */
interface Plan {
  readonly events: readonly DecidedEvent[];
  readonly claims: readonly KeyClaim[];
  readonly releases: readonly KeyClaim[];
}

type Related = Readonly<Record<string, Snapshot<unknown> | null>>;
type Context = CommandContext<Route, unknown, unknown, unknown>;

export class Execution {
  readonly #command: AnyCommand;
  readonly #request: CommandRequest;
  readonly #ticket: Ticket;
  readonly #tools: ExecutionTools;
  readonly #ref: StreamRef<unknown>;
  readonly #input: CommandInput<Route>;
  readonly #id: string;
  #caller: Caller;
  #wasDenied = false;
  #isCallerFresh = false;
  #prepared: unknown;
  #isPrepared = false;
  #reserved: Reserved[] = [];
  #related: Related = {};

  constructor(command: AnyCommand, request: CommandRequest, ticket: Ticket, tools: ExecutionTools) {
    this.#command = command;
    this.#request = request;
    this.#ticket = ticket;
    this.#tools = tools;
    this.#caller = request.caller;
    this.#input = this.#inputOf();
    this.#id = command.target?.(this.#input) ?? ticket.newId;
    this.#ref = streamOf(command.decider, this.#id);
  }

  /** The stream that the command is about; null where nobody else can know of it yet. */
  get sharedStream(): string | null {
    return this.#command.target === undefined && this.#ticket.isFirst ? null : this.#ref.stream;
  }

  /** Runs the command; throws the `Problem` that refuses it, or whatever left its outcome unknown. */
  async run(): Promise<Outcome> {
    let target: Target | Promise<Target | Outcome> = this.#begin();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const next: Target | Outcome = await this.#attempt(target);
      if ('hasAppended' in next) return next;
      target = next;
    }
    throw new Problem('concurrent-changes', 'The resource is being changed by many at once; try again.');
  }

  /** What is remembered of the target, else the target read; a repetition looks for what it may have done already. */
  async #begin(): Promise<Target | Outcome> {
    const { decider } = this.#ref;
    if (this.sharedStream === null) return { snapshot: emptySnapshot(decider), isAtEnd: true };
    if (!this.#ticket.isFirst) return this.#atEnd(await this.#tools.streams.loadWhole(this.#ref));
    const cached = this.#tools.streams.cached(this.#ref);
    if (cached) return { snapshot: cached, isAtEnd: false };
    return this.#atEnd(await this.#tools.streams.load(this.#ref));
  }

  #atEnd({ snapshot, tail }: { snapshot: Snapshot<unknown>; tail: readonly DomainEvent[] }): Target | Outcome {
    const own = tail.findLast(({ metadata }) => metadata.commandId === this.#ticket.commandId);
    return own ? this.#outcome(own.revision, own.position, false) : { snapshot, isAtEnd: true };
  }

  async #attempt(pending: Target | Promise<Target | Outcome>): Promise<Target | Outcome> {
    this.#wasDenied = false;
    const [target, related] = await Promise.all([pending, this.#readRelated()]);
    if ('hasAppended' in target) return target;
    this.#related = related;
    try {
      const context = this.#contextOf(target.snapshot.state, await this.#prepare());
      this.#command.authorise?.(context);
      this.#checkCondition(target.snapshot);
      const plan = await this.#plan(context, target.snapshot);
      return await (plan.events.length === 0 ? this.#answerUnchanged(target) : this.#append(target.snapshot, plan));
    } catch (error) {
      if (error instanceof Problem) return this.#refuse(target, error);
      if (error instanceof EventTooLarge) return this.#refuse(target, tooLarge());
      throw error;
    }
  }

  #inputOf(): CommandInput<Route> {
    const execution = this;
    return {
      params: this.#request.params,
      body: this.#request.body as never,
      get caller() {
        return execution.#caller;
      },
      can: (permission) => {
        const isHeld = holds(this.#caller, permission);
        this.#wasDenied ||= !isHeld;
        return isHeld;
      },
    };
  }

  #contextOf(state: unknown, prepared: unknown): Context {
    const related = Object.entries(this.#related).map(([name, snapshot]) => [name, snapshot && snapshot.state]);
    const { params, body, can } = this.#input;
    return {
      params,
      body,
      can,
      caller: this.#caller,
      id: this.#id,
      state,
      related: Object.fromEntries(related),
      prepared,
      now: this.#ticket.now,
      candidate: () => 0,
    };
  }

  /** Streams beside the target count as of their end: their states are not protected by the append. */
  async #readRelated(): Promise<Related> {
    const refs = this.#command.related?.(this.#input) as Record<string, StreamRef<unknown> | null> | undefined;
    if (!refs) return {};
    const read = async ([name, ref]: [string, StreamRef<unknown> | null]) =>
      [name, ref && (await this.#tools.streams.load(ref)).snapshot] as const;
    return Object.fromEntries(await Promise.all(Object.entries(refs).map(read)));
  }

  async #prepare(): Promise<unknown> {
    if (!this.#isPrepared && this.#command.prepare) {
      this.#prepared = await this.#command.prepare(this.#input, this.#tools.services);
    }
    this.#isPrepared = true;
    return this.#prepared;
  }

  #checkCondition({ revision }: Snapshot<unknown>): void {
    const { ifMatch } = this.#request;
    if (ifMatch === null || ifMatch === revision) return;
    throw new Problem('revision-mismatch', 'The resource is at another revision.', {
      extra: { actualRevision: revision < 0 ? null : revision },
    });
  }

  /** Decides, and reserves what the decided state needs to own, with further candidates where keys are taken. */
  async #plan(context: Context, snapshot: Snapshot<unknown>): Promise<Plan> {
    const { decider, candidates = {}, decide } = this.#command;
    const tried: Record<string, number> = {};
    const attempt = this.#tools.reservations.newAttempt();
    for (;;) {
      const events = decide({ ...context, candidate: (kind) => tried[kind] ?? 0 });
      if (events.length === 0) return { events, claims: [], releases: [] };
      const owned = this.#keysAfter(events, snapshot);
      const needed = [...owned.keys()].filter((key) => !snapshot.claims.has(key));
      const missing = needed.filter((key) => !this.#reserved.some((reserved) => reserved.key === key));
      const results = await this.#reserve(missing, owned, attempt);
      const failed = results.flatMap((result) =>
        result.isReserved ? [] : [{ ...result, kind: owned.get(result.key)?.kind ?? '' }],
      );
      if (failed.length === 0) {
        await this.#command.stage?.(context, this.#tools.services);
        return {
          events,
          claims: needed.map((key) => ({ key, attempt })),
          releases: [...snapshot.claims].flatMap(([key, by]) => (owned.has(key) ? [] : [{ key, attempt: by }])),
        };
      }
      const hopeless = failed.filter(({ kind }) => (tried[kind] ?? 0) + 1 >= (candidates[kind] ?? 1));
      if (hopeless.length > 0) throw takenProblem(decider.taken, hopeless);
      for (const { kind } of failed) tried[kind] = (tried[kind] ?? 0) + 1;
    }
  }

  /** The unique keys that the state owns after `events`, by their reservation's stream. */
  #keysAfter(events: readonly DecidedEvent[], snapshot: Snapshot<unknown>): Map<string, UniqueKey> {
    const { decider } = this.#ref;
    const keys = decider.keys(events.reduce(decider.evolve, snapshot.state));
    return new Map(keys.map((key) => [this.#tools.reservations.streamOf(key), key]));
  }

  async #reserve(missing: readonly string[], owned: ReadonlyMap<string, UniqueKey>, attempt: string) {
    if (missing.length === 0) return [];
    const { candidates = {} } = this.#command;
    const results = await Promise.all(
      missing.map((key) =>
        this.#tools.reservations.reserve(key, {
          by: this.#ref.stream,
          attempt,
          origin: this.#origin(),
          mayWait: (candidates[owned.get(key)?.kind ?? ''] ?? 1) === 1,
        }),
      ),
    );
    this.#reserved.push(...results.filter((result) => result.isReserved));
    return results;
  }

  async #append(snapshot: Snapshot<unknown>, plan: Plan): Promise<Target | Outcome> {
    const { log, streams, reservations, faults } = this.#tools;
    const { stream } = this.#ref;
    const { name } = this.#command.route;
    const reserved = this.#reserved;
    if (reserved.length > 0) await faults('reserved', name);
    try {
      const events = toEvents(stream, plan.events, this.#origin(), plan);
      const result = await log.append(stream, events, expectedRevision(snapshot));
      await faults('appended', name);
      streams.advance(this.#ref, snapshot, { events: plan.events, claims: plan, result });
      if (reserved.length > 0) await reservations.confirm(reserved);
      return this.#outcome(result.revision, result.position, true);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      return this.#startOver();
    }
  }

  /** The stream moved: whatever was reserved counts no more. */
  async #startOver(): Promise<Target | Outcome> {
    const next = await this.#tools.streams.load(this.#ref);
    await this.#abandon(next.snapshot);
    return this.#atEnd(next);
  }

  /** Gives back what was reserved for an attempt that will not append. `snapshot` was read after the reservations. */
  async #abandon({ claims }: Snapshot<unknown>): Promise<void> {
    const reserved = this.#reserved.splice(0);
    if (reserved.length > 0) await this.#tools.reservations.abandon(reserved, claims);
  }

  async #answerUnchanged(target: Target): Promise<Target | Outcome> {
    const moved = await this.#movedOn(target);
    if (moved) return moved;
    await this.#abandon(target.snapshot);
    const { revision, position } = target.snapshot;
    return this.#outcome(revision, position ?? (await this.#relatedPosition()), false);
  }

  async #refuse(target: Target, problem: Problem): Promise<Target | Outcome> {
    const [isCallerNew, moved] = await Promise.all([this.#refreshCaller(), this.#movedOn(target)]);
    if (moved) return moved;
    await this.#abandon(target.snapshot);
    if (isCallerNew) return { ...target, isAtEnd: true };
    throw problem;
  }

  /** The newer target where the stream was longer than what was remembered of it. */
  async #movedOn({ snapshot, isAtEnd }: Target): Promise<Target | Outcome | null> {
    const isNew = this.sharedStream === null;
    // What was reserved is given back by what the stream says after the reservation.
    if (isNew || (isAtEnd && this.#reserved.length === 0)) return null;
    const next = await this.#tools.streams.load(this.#ref);
    if (next.snapshot.revision === snapshot.revision) return null;
    await this.#abandon(next.snapshot);
    return this.#atEnd(next);
  }

  /** True where a permission that was found missing may be there after all. Asks once. */
  async #refreshCaller(): Promise<boolean> {
    const caller = this.#caller;
    if (!this.#wasDenied || this.#isCallerFresh || caller.kind !== 'user') return false;
    this.#isCallerFresh = true;
    const permissions = await this.#tools.permissionsOf(caller.userId);
    this.#caller = { ...caller, permissions };
    return permissions.symmetricDifference(caller.permissions).size > 0;
  }

  /** Where the target has no events yet, an answer reflects what it was decided on. */
  async #relatedPosition(): Promise<string> {
    const positions = Object.values(this.#related).flatMap((snapshot) => snapshot?.position ?? []);
    return positions.sort().at(-1) ?? (await this.#tools.log.start());
  }

  #origin(): Origin {
    const { correlationId, traceparent } = this.#request;
    const { commandId, now } = this.#ticket;
    return { commandId, correlationId, traceparent, now, actor: actorOf(this.#caller) };
  }

  #outcome(revision: number, position: string, hasAppended: boolean): Outcome {
    const id = this.#command.relationOf?.(this.#input) ?? this.#id;
    return { id, revision, position, hasAppended };
  }
}

function tooLarge(): Problem {
  return new Problem('validation-failed', 'The resource would become too large.', {
    mistakes: [{ pointer: '', code: 'too-large', message: 'is too large to be stored' }],
  });
}

/** All taken keys at once; where none is taken for certain yet, that too many want them. */
function takenProblem(
  taken: Readonly<Record<string, TakenKey>>,
  failed: readonly { kind: string; reason: 'taken' | 'busy' }[],
): Problem {
  const mistakes = failed.flatMap(({ kind, reason }) => (reason === 'taken' ? (taken[kind] ?? []) : []));
  const [first] = mistakes;
  if (!first) return new Problem('concurrent-changes', 'Someone else is about to take the same key; try again.');
  return new Problem(first.code, first.message, { mistakes });
}
