/** What tests of views in MongoDB share. */
import { randomBytes } from 'node:crypto';
import type { ConsumerKit } from '@annals/testing/consumer-kit';
import type { MongoKind, MongoServer } from '@annals/testing/servers/mongodb';
import { onTestFinished } from 'vitest';
import { type MongoDatabase, openMongo } from '../../mongodb/database.ts';
import { fold, keysOf } from '../fold.ts';
import type { Projection } from '../projection.ts';
import { viewCollection } from './collections.ts';

/** A database of its own on `server`. */
export function newDatabase(server: MongoServer): MongoDatabase {
  return openMongo({ url: server.url(`annals_test_${randomBytes(4).toString('hex')}`), application: 'test' });
}

/** A database on a server of its own, for the test that runs; both end with it. */
export async function startDatabase(kind: MongoKind): Promise<MongoDatabase> {
  const server = await kind.start();
  const mongo = newDatabase(server);
  onTestFinished(async () => {
    await mongo.close();
    await server.remove();
  });
  return mongo;
}

/** The documents of a view by key, as JSON in the order of their keys. */
export async function textsIn(mongo: MongoDatabase, view: string): Promise<ReadonlyMap<string, string>> {
  const collection = await viewCollection(mongo.db, view);
  const found =
    (await collection
      ?.find({ deleted: { $exists: false } })
      .sort({ _id: 1 })
      .toArray()) ?? [];
  return new Map(found.map(({ _id, doc }) => [_id, JSON.stringify(doc)]));
}

/** What a fold of the whole log in memory gives. */
export async function foldOf(kit: ConsumerKit, projection: Projection): Promise<ReadonlyMap<string, string>> {
  const docs = new Map<string, object>();
  for await (const { events, caughtUp } of kit.log.subscribe({ from: 'start', types: projection.handles })) {
    const nothing = { parked: new Set<string>(), refused: new Map(), reached: new Map() };
    const { upserts, deletes } = fold(projection, {
      events,
      keys: keysOf(projection, events),
      docs,
      ...nothing,
    });
    for (const [key, doc] of upserts) docs.set(key, doc);
    for (const key of deletes) docs.delete(key);
    if (caughtUp) break;
  }
  const sorted = [...docs].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(sorted.map(([key, doc]) => [key, JSON.stringify(doc)]));
}

/** Counted, moved and removed counters, `count` of them. */
export function mixedEvents(count: number): (readonly [string, Readonly<Record<string, unknown>>])[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `c${index % 7}`;
    if (index % 13 === 12) return ['Removed', { id }] as const;
    if (index % 5 === 4) return ['Moved', { from: id, to: `c${(index + 3) % 7}` }] as const;
    return ['Counted', { id, by: index }] as const;
  });
}
