/** What the handler appends: decided events with ids and metadata. */
import { catalogue } from '@annals/contracts/catalogue';
import type { Actor, EventMetadata, KeyClaim } from '@annals/contracts/kit/event';
import type { DomainEventInput } from '@annals/platform/event-log/log';
import type { Caller } from '@annals/platform/http/types';
import { uuidv5 } from '@annals/platform/uuid';
import type { DecidedEvent } from './decider.ts';

/** Where a command's events come from. */
export interface Origin {
  readonly commandId: string;
  readonly correlationId: string;
  readonly traceparent: string | undefined;
  readonly actor: Actor;
  /** RFC 3339 in UTC, milliseconds. */
  readonly now: string;
}

/**
 * The events of one command on one stream, ready to append. Their ids follow from command, stream, index and the
 * attempt that reserved keys for them: the same append made again is known for what it is, while another attempt at
 * the command, with reservations of its own, is not taken for it. Claims and releases are told by the first.
 */
export function toEvents(
  stream: string,
  decided: readonly DecidedEvent[],
  origin: Origin,
  keys: { claims: readonly KeyClaim[]; releases: readonly KeyClaim[] } = { claims: [], releases: [] },
): DomainEventInput[] {
  const [claim] = keys.claims;
  const command = claim ? uuidv5(claim.attempt, origin.commandId) : origin.commandId;
  return decided.map(({ type, data }, index) => ({
    id: uuidv5(`${stream}:${index}`, command),
    type,
    data,
    metadata: { ...metadataOf(type, origin), ...(index === 0 ? withoutEmpty(keys) : {}) },
  }));
}

/** Metadata of an event of `type` in its newest version. */
export function metadataOf(
  type: string,
  { commandId, correlationId, traceparent, actor, now }: Origin,
): EventMetadata {
  const definition = catalogue.get(type);
  if (!definition) throw new Error(`the catalogue has no event ${type}`);
  return {
    schemaVersion: definition.version,
    commandId,
    correlationId,
    causationId: commandId,
    actor,
    occurredAt: now,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function withoutEmpty(keys: { claims: readonly KeyClaim[]; releases: readonly KeyClaim[] }) {
  return {
    ...(keys.claims.length > 0 ? { claims: [...keys.claims] } : {}),
    ...(keys.releases.length > 0 ? { releases: [...keys.releases] } : {}),
  };
}

/** The actor that a caller's events name. */
export function actorOf(caller: Caller): Actor {
  switch (caller.kind) {
    case 'user':
      return { kind: 'user', id: caller.userId };
    case 'service':
      return { kind: 'service', id: caller.name };
    case 'anonymous':
      return { kind: 'anonymous', id: null };
  }
}
