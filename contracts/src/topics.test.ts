import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { catalogue } from './catalogue.ts';
import type { DomainEvent } from './kit/event.ts';
import type { TopicEvent, TopicState } from './kit/topic.ts';
import { buildTopics, eventRecords, stateRecord, topics, typeOf } from './topics.ts';

const articleId = '01990000-0000-7000-8000-000000000001';
const authorId = '01990000-0000-7000-8000-000000000002';
const ids = { articleId, authorId };
const occurredAt = '2026-11-22T10:00:00.000Z';
const traceparent = '00-5b8aa5a2d2c872e8321cf37308d69df2-051581bf3cb55c13-01';

function event(type: string, data: object, revision = 0): DomainEvent {
  const id = `01990000-0000-7000-8000-0000000001${String(revision).padStart(2, '0')}`;
  const metadata = {
    ...{ schemaVersion: 1, commandId: id, correlationId: id, causationId: id },
    ...{ actor: { kind: 'user' as const, id: authorId }, occurredAt, traceparent },
  };
  return {
    id,
    stream: `article-${articleId}`,
    revision,
    position: `abcdefgh.${revision}`,
    type,
    data,
    metadata,
  };
}

const created = event('ArticleCreated', {
  ...ids,
  ...{
    title: 'On engines',
    slug: 'on-engines',
    content: '<p>They weave.</p>',
    tags: ['one'],
    externalId: null,
  },
});
const published = event('ArticlePublished', { ...ids, publishedAt: occurredAt, tags: ['one'] }, 1);
const renamed = event('ArticleUpdated', { ...ids, isPublished: true, title: 'On looms' }, 2);
const unpublished = event('ArticleUnpublished', { ...ids, tags: ['one'] }, 3);
const deleted = event('ArticleDeleted', { ...ids, wasPublished: true, tags: ['one'] }, 3);
const restored = event('ArticleRestored', { ...ids, isPublished: true, tags: ['one'] }, 4);

describe('an event’s record', () => {
  it('is a CloudEvent in binary mode, keyed by its subject', () => {
    expect(eventRecords(topics, published)).toEqual([
      {
        topic: 'annals.publishing.v1',
        key: articleId,
        value: JSON.stringify({ id: articleId, authorId, publishedAt: occurredAt, tags: ['one'] }),
        headers: {
          ce_specversion: '1.0',
          ce_id: published.id,
          ce_source: '/annals/publishing',
          ce_type: 'annals.publishing.article-published.v1',
          ce_subject: articleId,
          ce_time: occurredAt,
          ce_traceparent: traceparent,
          'content-type': 'application/json',
        },
      },
    ]);
  });

  it('is missing where an event is about a draft, or nobody else’s business', () => {
    const ofDraft = [
      created,
      event('ArticleUpdated', { ...ids, isPublished: false, title: 'A secret' }),
      event('ArticleDeleted', { ...ids, wasPublished: false, tags: [] }),
      event('ArticleRestored', { ...ids, isPublished: false, tags: [] }),
      event('PermissionGranted', { userId: authorId, permission: 'staff' }),
    ];
    expect(ofDraft.flatMap((one) => eventRecords(topics, one))).toEqual([]);
  });
});

describe('a subject’s state', () => {
  const state = topics.states.get('article') as TopicState;
  const publicOf = (...events: DomainEvent[]) => {
    const record = stateRecord(state, events);
    return record && JSON.parse(record.value ?? 'null');
  };

  it('is the newest that is public', () => {
    expect(publicOf(created, published, renamed)).toEqual({
      ...{ id: articleId, authorId, title: 'On looms', slug: 'on-engines', tags: ['one'] },
      ...{ publishedAt: occurredAt, updatedAt: occurredAt, revision: 2 },
    });
    expect(publicOf(created, published, renamed, deleted, restored)).toMatchObject({
      title: 'On looms',
      revision: 4,
    });
  });

  it('names the category that an article stands under, and categories by themselves', () => {
    const categoryId = '01990000-0000-7000-8000-0000000000d1';
    const move = event('ArticleUpdated', { ...ids, isPublished: true, categoryId }, 3);
    const away = event('ArticleUpdated', { ...ids, isPublished: true, categoryId: null }, 4);
    expect(publicOf(created, published, move)).toMatchObject({ categoryId, revision: 3 });
    expect(publicOf(created, published, move, away)).not.toHaveProperty('categoryId');
    const [moved, left] = [move, away].map((one) => eventRecords(topics, one)[0]?.value ?? '');
    expect([JSON.parse(moved ?? ''), JSON.parse(left ?? '')]).toMatchObject([
      { categoryId },
      { categoryId: null },
    ]);

    const ofCategory = (type: string, data: object, revision: number) => ({
      ...event(type, { categoryId, ...data }, revision),
      stream: `category-${categoryId}`,
    });
    const record = stateRecord(topics.states.get('category') as TopicState, [
      ofCategory('CategoryCreated', { name: 'Machines', slug: 'machines' }, 0),
      ofCategory('CategoryRenamed', { name: 'Engines', slug: 'machines' }, 1),
      ofCategory('CategoryRetired', {}, 2),
    ]);
    expect(record).toMatchObject({ topic: 'annals.publishing.state.v1', key: categoryId });
    expect(JSON.parse(record?.value ?? '')).toEqual({
      ...{ id: categoryId, name: 'Engines', slug: 'machines', isRetired: true },
      ...{ updatedAt: occurredAt, revision: 2 },
    });
  });

  it('is a tombstone once it was public and no longer is, and never there for what never was', () => {
    expect(stateRecord(state, [created, published, unpublished])).toMatchObject({
      key: articleId,
      value: null,
    });
    expect(stateRecord(state, [created, published, deleted])).toMatchObject({ key: articleId, value: null });
    expect(stateRecord(state, [created])).toBeNull();
    expect(stateRecord(state, [])).toBeNull();
  });
});

describe('the topics', () => {
  const members = topics.all.flatMap((topic) => topic.members);

  it('are one for the events and one for the states of each context', () => {
    expect(topics.all.map(({ name }) => name)).toEqual([
      'annals.identity.state.v1',
      'annals.identity.v1',
      'annals.publishing.state.v1',
      'annals.publishing.v1',
    ]);
  });

  it('follow from event types of the catalogue', () => {
    for (const type of topics.events.keys()) expect(catalogue.has(type), type).toBe(true);
    for (const { handles } of topics.states.values())
      for (const type of handles) expect(catalogue.has(type), type).toBe(true);
  });

  it('name what they carry in kebab-case, and stay open for further members', () => {
    for (const { name, data } of members) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(z.toJSONSchema(data, { io: 'input' }).additionalProperties, name).toBeUndefined();
    }
  });

  it('are refused where two share a type, a category, or one event twice in a topic', () => {
    const [first] = members.filter((member): member is TopicEvent => member.kind === 'topic-event');
    const state = topics.states.get('article');
    if (!first || !state) throw new Error('there are none');
    expect(() => buildTopics([first, first])).toThrow(typeOf(first));
    expect(() => buildTopics([first, { ...first, name: 'other-name' }])).toThrow(`${first.from} in`);
    expect(() => buildTopics([state, { ...state, name: 'other-state' }])).toThrow('category article');
  });
});
