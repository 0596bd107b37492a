import { expect, test } from 'vitest';
import { catalogue } from '../catalogue.ts';
import type { DomainEvent } from '../kit/event.ts';
import { pushFrames, pushLogKey } from './docs.ts';
import { serverMessage } from './messages.ts';
import { pushRules } from './rules.ts';

const id = '01990000-0000-7000-8000-000000000001';
const occurredAt = '2026-11-22T10:00:00.000Z';

function event(type: string, data: object): DomainEvent {
  const metadata = {
    schemaVersion: 1,
    commandId: id,
    correlationId: id,
    causationId: id,
    actor: { kind: 'user' as const, id },
    occurredAt,
  };
  return {
    id,
    stream: `article-${id}`,
    revision: 3,
    position: 'abcdefgh.0000000000000007',
    type,
    data,
    metadata,
  };
}

test('an event gives one line per channel, each a message of the protocol', () => {
  const frames = pushFrames(
    pushRules,
    event('ArticlePublished', { articleId: id, authorId: id, publishedAt: occurredAt, tags: [] }),
  );
  expect(frames.map(({ channel }) => channel)).toEqual(['articles', `article:${id}`]);
  for (const frame of frames) {
    expect(frame.frame).not.toContain('\n');
    expect(serverMessage.parse(JSON.parse(frame.frame))).toEqual({
      type: 'event',
      channel: frame.channel,
      position: 'abcdefgh.0000000000000007',
      event: { id, type: 'ArticlePublished', occurredAt, data: { id, revision: 3 } },
    });
  }
});

test('frames carry no content of the event', () => {
  const frames = pushFrames(
    pushRules,
    event('CommentAdded', {
      commentId: id,
      articleId: id,
      authorId: id,
      parentId: null,
      content: 'between us',
    }),
  );
  expect(frames).toHaveLength(1);
  expect(JSON.stringify(frames)).not.toContain('between us');
});

test('an event that no rule names pushes nothing', () => {
  expect(pushFrames(pushRules, event('ArticleCreated', {}))).toEqual([]);
});

test('rows are keyed by channel and position', () => {
  expect(pushLogKey({ channel: 'articles', position: 'abcdefgh.0000000000000007' })).toBe(
    'articles@abcdefgh.0000000000000007',
  );
});

test('no pushed event type holds personal data: the notifier has no keys', () => {
  const personal = [...pushRules.keys()].filter((type) => catalogue.get(type)?.personalFields.length !== 0);
  expect(personal).toEqual([]);
});
