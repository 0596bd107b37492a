import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { Queryable } from '../postgres/shared-connections.ts';
import { readTogether } from './checkpointed-read.ts';
import { createKnownProgress } from './known-progress.ts';

/** A connection that notes what it is asked and answers only when told to. */
function openConnection() {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const connection: Queryable = {
    query<Row extends pg.QueryResultRow>({ name }: pg.QueryConfig) {
      asked.push(name ?? '');
      const { promise, resolve } = Promise.withResolvers<pg.QueryResult<Row>>();
      const position = `log.${asked.length}`;
      const row = { consumer: 'counts_v1', position, through: position, isLive: true, parked: 0 };
      const result: unknown = { rows: [row] };
      waiting.push(() => resolve(result as pg.QueryResult<Row>));
      return promise;
    },
  };
  const known = createKnownProgress();
  const work = (client: Queryable) => client.query({ name: 'data', text: '' });
  const shared = { take: async () => connection, end: async () => {} };
  return {
    asked,
    read: (isUrgent = false) => readTogether({ known, views: ['counts_v1'], work }, shared, isUrgent),
    answer: () => {
      for (const answer of waiting.splice(0)) answer();
    },
    turn: () => new Promise(setImmediate),
  };
}

describe('reads that share a connection', () => {
  test('share a look at the checkpoints that is asked for before their data, and is not answered yet', async () => {
    const { asked, read, answer, turn } = openConnection();
    const first = read();
    const second = read();
    await turn();
    const third = read();
    await turn();
    expect(asked).toEqual(['checkpoints', 'data', 'data', 'data']);
    answer();
    for (const { position } of await Promise.all([first, second, third])) expect(position).toBe('log.1');
    const later = read();
    await turn();
    expect(asked.slice(4)).toEqual(['checkpoints', 'data']);
    answer();
    expect((await later).position).toBe('log.5');
  });

  test('look for themselves where they ask for a position: what is on its way may be older than the news', async () => {
    const { asked, read, answer, turn } = openConnection();
    const first = read();
    await turn();
    const urgent = read(true);
    await turn();
    expect(asked).toEqual(['checkpoints', 'data', 'checkpoints', 'data']);
    answer();
    expect((await first).position).toBe('log.1');
    expect((await urgent).position).toBe('log.3');
  });
});
