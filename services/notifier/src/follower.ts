/** Follows the log from its head and feeds the hub: lines to push, and the ends of sessions. */

import type { SessionEvent } from '@annals/contracts/identity/session.events';
import type { UserEvent } from '@annals/contracts/identity/user.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import { pushFrames } from '@annals/contracts/push/docs';
import type { PushRule } from '@annals/contracts/push/rule';
import type { EventLog } from '@annals/platform/event-log/log';
import type { Position } from '@annals/platform/event-store/port';
import type { Tracing } from '@annals/platform/telemetry/tracing';
import type { Hub } from './channels/hub.ts';
import type { PushLine } from './frames/ring.ts';
import type { Sessions } from './sockets/sessions.ts';

/** Events of a batch: what one turn writes to a socket at most. */
const BATCH_SIZE = 500;

type SessionEnd = Extract<
  UserEvent | SessionEvent,
  { type: 'UserDisabled' | 'UserEnabled' | 'UserErased' | 'PermissionRevoked' | 'SessionRevoked' }
>;
/** Events that end sockets or shrink what they may see. */
const sessionEnds: { readonly [Type in SessionEnd['type']]: true } = {
  UserDisabled: true,
  UserEnabled: true,
  UserErased: true,
  PermissionRevoked: true,
  SessionRevoked: true,
};

export interface FollowerOptions {
  readonly log: EventLog;
  readonly rules: ReadonlyMap<string, PushRule>;
  readonly hub: Hub;
  readonly sessions: Sessions;
  readonly tracing: Tracing;
  /** Called once the head has been reached for the first time. */
  readonly onCaughtUp: () => void;
}

/** Goes on from where the hub is, until `signal` aborts. Throws what the log throws: an event that this release cannot read ends the following. */
export async function follow(options: FollowerOptions, signal: AbortSignal): Promise<void> {
  const from = options.hub.through;
  const types = new Set([...options.rules.keys(), ...Object.keys(sessionEnds)]);
  for await (const batch of options.log.subscribe({ from, types, batchSize: BATCH_SIZE, signal })) {
    takeEnds(options, batch.events);
    if (batch.events.length === 0) options.hub.publish([], batch.through);
    else publish(options, batch.events, batch.through);
    if (batch.caughtUp) options.onCaughtUp();
  }
}

function publish(
  { rules, hub, tracing }: FollowerOptions,
  events: readonly DomainEvent[],
  through: Position,
): void {
  const lines = events.flatMap((event) => linesOf(rules, event));
  const links = events.flatMap(({ metadata }) => metadata.traceparent ?? []);
  const span = tracing.start('push', {
    kind: 'producer',
    links,
    attributes: { 'annals.lines': lines.length },
  });
  hub.publish(lines, through);
  span.end();
}

function linesOf(rules: ReadonlyMap<string, PushRule>, event: DomainEvent): PushLine[] {
  const changesVisibility = rules.get(event.type)?.changesVisibility ?? false;
  return pushFrames(rules, event).map(({ channel, position, frame }) => ({
    channel,
    position,
    frame,
    changesVisibility,
  }));
}

/** Sessions end before the batch's lines go out. */
function takeEnds({ sessions, hub }: FollowerOptions, events: readonly DomainEvent[]): void {
  const ended = new Set<string>();
  for (const event of events) {
    if (!(event.type in sessionEnds)) continue;
    const { type, data } = event as unknown as SessionEnd;
    if (type === 'SessionRevoked') ended.add(data.sessionId);
    else if (type === 'UserDisabled' || type === 'UserErased') ended.add(data.userId);
    else if (type === 'PermissionRevoked') sessions.permissionsChanged(data.userId, event.position, hub);
    else {
      ended.delete(data.userId);
      sessions.readmit(data.userId);
    }
  }
  if (ended.size > 0) sessions.putOut(ended);
}
