/**
 * One command on its way from the request to the log: load, authorise, decide, reserve unique keys, append; on a
 * conflict all over again. Knows no aggregate. Its promise: whatever is answered without appending was decided on
 * the stream read to its end.
 */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Route } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { type EventLog, SubjectErased } from '@annals/platform/event-log/log';
import { EventTooLarge, RevisionConflict } from '@annals/platform/event-store/port';
import type { Caller } from '@annals/platform/http/types';
import type { Reserved } from '../reservations/reservations.ts';
import type { AnyCommand, CommandContext, CommandInput } from './command.ts';
import { type StreamRef, streamOf } from './decider.ts';
import { actorOf, type Origin, toEvents } from './events.ts';
import type { Faults } from './faults.ts';
import { type Plan, type PlanTools, plan } from './plan.ts';
import { emptySnapshot, expectedRevision, type Snapshot, type Streams } from './streams.ts';
import { type PermissionsOf, TrackedCaller, TrackedInput } from './tracked-caller.ts';

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

export interface ExecutionTools extends PlanTools {
  readonly log: EventLog;
  readonly streams: Streams;
  readonly permissionsOf: PermissionsOf;
  readonly faults: Faults;
}

/** How often a command is decided anew because its stream moved under it. */
const MAX_ROUNDS = 10;

interface Target {
  readonly snapshot: Snapshot<unknown>;
  /** Whether the snapshot was read to the stream's end, rather than remembered. */
  readonly isAtEnd: boolean;
}

/** Where a round ends: with an outcome, or with the target to go on from. */
type Step = Target | Outcome;
type Related = Readonly<Record<string, Snapshot<unknown> | null>>;

export class Execution {
  readonly #command: AnyCommand;
  readonly #request: CommandRequest;
  readonly #ticket: Ticket;
  readonly #tools: ExecutionTools;
  readonly #caller: TrackedCaller;
  readonly #input: CommandInput<Route>;
  readonly #id: string;
  readonly #ref: StreamRef<unknown>;
  /** The stream that the command is about; null where nobody else can know of it yet. */
  readonly sharedStream: string | null;
  #prepared: { readonly value: unknown } | undefined;
  #reserved: Reserved[] = [];
  #related: Related = {};

  constructor(command: AnyCommand, request: CommandRequest, ticket: Ticket, tools: ExecutionTools) {
    const caller = new TrackedCaller(request.caller, tools.permissionsOf);
    this.#command = command;
    this.#request = request;
    this.#ticket = ticket;
    this.#tools = tools;
    this.#caller = caller;
    this.#input = new TrackedInput(request, caller);
    this.#id = command.target?.(this.#input) ?? ticket.newId;
    this.#ref = streamOf(command.decider, this.#id);
    this.sharedStream = !command.target && ticket.isFirst ? null : this.#ref.stream;
  }

  /** Runs the command; throws the `Problem` that refuses it, or whatever left its outcome unknown. */
  async run(): Promise<Outcome> {
    let next: Step | Promise<Step> = this.#begin();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const step: Step = await this.#attempt(next);
      if ('hasAppended' in step) return step;
      next = step;
    }
    throw new Problem('concurrent-changes', 'The resource is being changed by many at once; try again.');
  }

  /** What is remembered of the target, else the target read; a repetition looks for what it may have done already. */
  async #begin(): Promise<Step> {
    const { streams } = this.#tools;
    if (this.sharedStream === null) return { snapshot: emptySnapshot(this.#ref.decider), isAtEnd: true };
    if (!this.#ticket.isFirst) return this.#atEnd(await streams.loadWhole(this.#ref));
    const cached = streams.cached(this.#ref);
    return cached ? { snapshot: cached, isAtEnd: false } : this.#atEnd(await streams.load(this.#ref));
  }

  /** `tail`: all that came after what was decided on, in which another attempt may have done it. */
  #atEnd({ snapshot, tail }: { snapshot: Snapshot<unknown>; tail: readonly DomainEvent[] }): Step {
    const { commandId } = this.#ticket;
    // A repetition may have fenced what it did before: such a fence is no effect.
    const own = tail.findLast(
      ({ type, metadata }) => metadata.commandId === commandId && type !== 'ReservationLapsed',
    );
    return own ? this.#outcome(own.revision, own.position, false) : { snapshot, isAtEnd: true };
  }

  async #attempt(pending: Step | Promise<Step>): Promise<Step> {
    const [target, related] = await Promise.all([pending, this.#readRelated()]);
    if ('hasAppended' in target) return target;
    this.#related = related;
    try {
      this.#prepared ??= { value: await this.#command.prepare?.(this.#input, this.#tools.services) };
      const context = this.#contextOf(target.snapshot.state, this.#prepared.value);
      this.#command.authorise?.(context);
      this.#checkCondition(target.snapshot);
      const planned = await this.#plan(context, target.snapshot);
      return await (planned.events.length === 0
        ? this.#answerUnchanged(target)
        : this.#append(target.snapshot, planned));
    } catch (error) {
      if (error instanceof Problem) return this.#refuse(target, error);
      if (error instanceof EventTooLarge) return this.#refuse(target, tooLarge());
      throw error;
    }
  }

  /** Streams beside the target are read to their end: the append does not protect what is decided on them. */
  async #readRelated(): Promise<Related> {
    const refs = this.#command.related?.(this.#input) as
      | Record<string, StreamRef<unknown> | null>
      | undefined;
    if (!refs) return {};
    const names = Object.keys(refs);
    const { streams } = this.#tools;
    const loaded = await Promise.all(names.map((name) => refs[name] && streams.load(refs[name])));
    const related: Record<string, Snapshot<unknown> | null> = {};
    for (const [index, name] of names.entries()) related[name] = loaded[index]?.snapshot ?? null;
    return related;
  }

  #contextOf(state: unknown, prepared: unknown): CommandContext<Route, unknown, unknown, unknown> {
    const { params, body, caller, can } = this.#input;
    const related: Record<string, unknown> = {};
    for (const name of Object.keys(this.#related)) related[name] = this.#related[name]?.state ?? null;
    const { now, newId } = this.#ticket;
    const id = this.#id;
    return { params, body, caller, can, id, newId, state, related, prepared, now, candidate: () => 0 };
  }

  #checkCondition({ revision }: Snapshot<unknown>): void {
    const { ifMatch } = this.#request;
    if (ifMatch === null || ifMatch === revision) return;
    throw new Problem('revision-mismatch', 'The resource is at another revision.', {
      extra: { actualRevision: revision < 0 ? null : revision },
    });
  }

  #plan(
    context: CommandContext<Route, unknown, unknown, unknown>,
    snapshot: Snapshot<unknown>,
  ): Promise<Plan> {
    const { stream } = this.#ref;
    const origin = this.#origin();
    return plan(
      { command: this.#command, context, stream, snapshot, origin, reserved: this.#reserved },
      this.#tools,
    );
  }

  async #append(snapshot: Snapshot<unknown>, planned: Plan): Promise<Step> {
    const { log, streams, reservations, faults } = this.#tools;
    const { name } = this.#command.route;
    const reserved = this.#reserved;
    if (reserved.length > 0) await faults('reserved', name);
    const events = toEvents(this.#ref.stream, planned.events, this.#origin(), planned);
    try {
      const result = await log.append(this.#ref.stream, events, expectedRevision(snapshot));
      await faults('appended', name);
      streams.advance(this.#ref, snapshot, planned, result);
      if (reserved.length > 0) await reservations.confirm(reserved);
      return this.#outcome(result.revision, result.position, true);
    } catch (error) {
      // Whoever is erased meanwhile has a longer stream, too.
      if (!(error instanceof RevisionConflict || error instanceof SubjectErased)) throw error;
      // The stream moved, so what was reserved counts no more.
      const next = await streams.loadAfter(this.#ref, snapshot);
      await this.#abandon(next.snapshot);
      return this.#atEnd(next);
    }
  }

  async #answerUnchanged(target: Target): Promise<Step> {
    const moved = await this.#movedOn(target);
    if (moved) return moved;
    await this.#abandon(target.snapshot);
    const { revision, position } = target.snapshot;
    return this.#outcome(revision, position ?? (await this.#relatedPosition()), false);
  }

  async #refuse(target: Target, problem: Problem): Promise<Step> {
    const [isCallerNew, moved] = await Promise.all([this.#caller.refresh(), this.#movedOn(target)]);
    if (moved) return moved;
    await this.#abandon(target.snapshot);
    if (isCallerNew) return { ...target, isAtEnd: true };
    throw problem;
  }

  /** The newer target where the stream is longer than what was decided on. */
  async #movedOn({ snapshot, isAtEnd }: Target): Promise<Step | null> {
    // Reserved keys are given back by what the stream says after their reservation, be it new: a repetition of this
    // command may have overtaken it.
    if (isAtEnd && this.#reserved.length === 0) return null;
    const next = await this.#tools.streams.loadAfter(this.#ref, snapshot);
    if (next.snapshot.revision === snapshot.revision) return null;
    await this.#abandon(next.snapshot);
    return this.#atEnd(next);
  }

  /** Gives back what was reserved for an attempt that will not append. `snapshot` was read after the reservations. */
  async #abandon({ claims }: Snapshot<unknown>): Promise<void> {
    const reserved = this.#reserved;
    this.#reserved = [];
    if (reserved.length > 0) await this.#tools.reservations.abandon(reserved, claims);
  }

  /** Where the target has no events yet, an answer reflects what it was decided on. */
  async #relatedPosition(): Promise<string> {
    const positions = Object.values(this.#related).flatMap((snapshot) => snapshot?.position ?? []);
    return positions.sort().at(-1) ?? (await this.#tools.log.start());
  }

  #origin(): Origin {
    const { correlationId, traceparent } = this.#request;
    const { commandId, now } = this.#ticket;
    return { commandId, correlationId, traceparent, now, actor: actorOf(this.#caller.caller) };
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
