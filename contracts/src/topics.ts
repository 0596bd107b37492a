/** The integration topics: every record that leaves for other systems, found in the `*.topics.ts` files. */
import { discover, ofKind } from './kit/discover.ts';
import { type DomainEvent, streamId } from './kit/event.ts';
import type { Topic, TopicEvent, TopicRecord, TopicState, Topics } from './kit/topic.ts';

type Member = TopicEvent | TopicState;

/** `annals.publishing.v1`, `annals.publishing.state.v1`. */
function topicOf({ kind, context }: Member): string {
  return kind === 'topic-event' ? `annals.${context}.v1` : `annals.${context}.state.v1`;
}

/** CloudEvents type: `annals.publishing.article-published.v1`. */
export function typeOf({ context, name, version }: Member): string {
  return `annals.${context}.${name}.v${version}`;
}

/** CloudEvents source: a record's id is unique within it. */
export function sourceOf({ kind, context }: Member): string {
  return kind === 'topic-event' ? `/annals/${context}` : `/annals/${context}/state`;
}

/** Throws where two members share a type, a topic gets two records of one event, or two states share a category. */
export function buildTopics(members: readonly Member[]): Topics {
  const taken = new Set<string>();
  const take = (what: string): void => {
    if (taken.has(what)) throw new Error(`two topics' definitions share ${what}`);
    taken.add(what);
  };
  const events = new Map<string, TopicEvent[]>();
  const states = new Map<string, TopicState>();
  const topics = new Map<string, Topic & { members: Member[] }>();
  for (const member of members) {
    take(typeOf(member));
    if (member.kind === 'topic-event') {
      take(`${member.from} in ${topicOf(member)}`);
      events.set(member.from, [...(events.get(member.from) ?? []), member]);
    } else {
      take(`the category ${member.category}`);
      states.set(member.category, member);
    }
    const name = topicOf(member);
    const carries = member.kind === 'topic-event' ? 'events' : 'states';
    const topic = topics.get(name) ?? { name, context: member.context, carries, members: [] };
    topic.members.push(member);
    topics.set(name, topic);
  }
  const all = [...topics.values()].sort(byName);
  for (const topic of topics.values()) topic.members.sort(byName);
  return { events, states, all };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** The records that an event gives, at most one per topic. Pure. */
export function eventRecords({ events }: Pick<Topics, 'events'>, event: DomainEvent): readonly TopicRecord[] {
  return (events.get(event.type) ?? []).flatMap((rule) => {
    const value = rule.of(event);
    return value ? [record(rule, event, rule.subject(event), value)] : [];
  });
}

/**
 * The record of a subject's newest state, from all handled events of its stream: a tombstone where it was public once
 * and no longer is, null where it never was. Pure.
 */
export function stateRecord(state: TopicState, events: readonly DomainEvent[]): TopicRecord | null {
  let known: object | null = null;
  let value: object | null = null;
  let wasPublic = false;
  for (const event of events) {
    if (!state.handles.has(event.type)) continue;
    known = state.evolve(known, event);
    value = known && state.publicOf(known);
    wasPublic ||= value !== null;
  }
  const last = events.at(-1);
  return wasPublic && last ? record(state, last, streamId(last.stream), value) : null;
}

/** CloudEvents 1.0 in binary mode. */
function record(member: Member, event: DomainEvent, key: string, value: object | null): TopicRecord {
  const { occurredAt, traceparent } = event.metadata;
  return {
    topic: topicOf(member),
    key,
    value: value && JSON.stringify(value),
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: sourceOf(member),
      ce_type: typeOf(member),
      ce_subject: key,
      ce_time: occurredAt,
      ...(traceparent === undefined ? {} : { ce_traceparent: traceparent }),
      'content-type': 'application/json',
    },
  };
}

const isMember = (value: unknown): value is Member =>
  ofKind<'topic-event', TopicEvent>('topic-event')(value) ||
  ofKind<'topic-state', TopicState>('topic-state')(value);

/** Everything that leaves. */
export const topics: Topics = buildTopics(
  await discover(new URL('./', import.meta.url), '.topics.ts', isMember),
);
