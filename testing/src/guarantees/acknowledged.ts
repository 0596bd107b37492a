/** Holds a stack against what it has acknowledged: its log, and what its API shows. */

import { getUser } from '@annals/contracts/identity/user.routes';
import { getArticle } from '@annals/contracts/publishing/article.routes';
import { getComment } from '@annals/contracts/publishing/comment.routes';
import type { EventStoreConfig } from '@annals/platform/event-store/open';
import type { StoredEvent } from '@annals/platform/event-store/port';
import { expect } from 'vitest';
import type { CallOptions } from '../e2e/client.ts';
import type { Load } from './load.ts';
import { readLog } from './log-reader.ts';
import type { Writer, WrittenArticle } from './writer.ts';

/** Each acknowledged command is in the log, at its revision and position, and nothing else is there twice. */
export async function expectInLog(address: EventStoreConfig, { ledger }: Load): Promise<void> {
  const events = await readLog(address);
  const byPosition = new Map(events.map((event) => [event.position, event]));
  const missing = ledger.filter(({ stream, revision, position }) => {
    const event = byPosition.get(position);
    return event?.stream !== stream || (revision !== null && event.revision !== revision);
  });
  expect(missing, 'acknowledged and not in the log').toEqual([]);
  expect(gaps(events), 'streams with gaps').toEqual([]);
  const commands = Map.groupBy(
    events.filter(({ type }) => type !== 'ReservationLapsed'),
    ({ stream, metadata }) => `${stream} ${(metadata as { commandId: string }).commandId}`,
  );
  const done = Map.groupBy(commands.keys(), (key) => key.split(' ')[0] ?? '');
  const acknowledged = Map.groupBy(ledger, ({ stream }) => stream);
  for (const [stream, entries] of acknowledged) {
    if (stream.startsWith('user-')) continue;
    expect(done.get(stream)?.length, `${stream}: commands that left events`).toBe(entries.length);
  }
}

/** Everything acknowledged is visible to whoever asks for it with the last position. */
export async function expectVisible(load: Load): Promise<void> {
  const last = load.ledger.reduce((newest, { position }) => (position > newest ? position : newest), '');
  const fresh = { headers: { 'annals-min-position': last, prefer: 'wait=10' } };
  for (const writer of load.writers) {
    await Promise.all(writer.articles.map((article) => expectArticle(load, writer, article, fresh)));
    const profile = await writer.person.api.ok(getUser, {
      params: { idOrUsername: writer.person.id },
      ...fresh,
    });
    if (writer.bio !== null) expect(profile.body.bio).toBe(writer.bio);
  }
  const [anyone] = load.writers;
  for (const { id, username } of load.shared.registered) {
    const answer = await anyone?.person.api.ok(getUser, { params: { idOrUsername: username }, ...fresh });
    expect(answer?.body).toMatchObject({ id, username });
  }
  for (const chunk of chunksOf(load.shared.comments, 20)) {
    await Promise.all(
      chunk.map(async ({ id, articleId, content }) => {
        const answer = await anyone?.person.api.ok(getComment, { params: { id }, ...fresh });
        expect(answer?.body).toMatchObject({ id, articleId, content });
      }),
    );
  }
}

async function expectArticle(
  { shared }: Load,
  { person }: Writer,
  { id, title, content, isPublished, isDeleted, revision }: WrittenArticle,
  fresh: CallOptions,
): Promise<void> {
  const { status, body } = await person.api.call(getArticle, { params: { idOrSlug: id }, ...fresh });
  if (isDeleted) {
    expect(status, `${id} is deleted`).toBe(404);
    return;
  }
  expect(body, id).toMatchObject({ id, title, content, isPublished, revision });
  const likes = shared.likes.get(id);
  if (!likes) return;
  const comments = shared.comments.filter(({ articleId }) => articleId === id);
  expect(body, id).toMatchObject({ likeCount: likes.size, commentCount: comments.length });
}

/** Streams whose revisions are not 0, 1, 2, … */
function gaps(events: readonly StoredEvent[]): string[] {
  const next = new Map<string, number>();
  const wrong = new Set<string>();
  for (const { stream, revision } of events) {
    if (revision !== (next.get(stream) ?? 0)) wrong.add(stream);
    next.set(stream, revision + 1);
  }
  return [...wrong];
}

function chunksOf<One>(all: readonly One[], size: number): One[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
