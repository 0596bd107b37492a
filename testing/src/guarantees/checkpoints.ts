/** Checkpoints of a stack's consumers, wherever they are kept. */
import { consumerCollections } from '@annals/platform/consumer/mongodb/collections';
import { openMongo } from '@annals/platform/mongodb/database';
import { createPool } from '@annals/platform/postgres/pool';
import type pg from 'pg';
import type { TestStack } from '../stack.ts';

export interface Checkpoint {
  readonly epoch: number;
  readonly position: string;
}

export interface Checkpoints {
  /** The stack's PostgreSQL. */
  readonly pool: pg.Pool;
  /** Throws where the consumer has none. */
  of(consumer: string): Promise<Checkpoint>;
  close(): Promise<void>;
}

const APPLICATION = 'guarantees';

/** Those of documents are in MongoDB, where the stack has one. */
export function openCheckpoints({
  databaseUrl,
  mongodbUrl,
}: Pick<TestStack, 'databaseUrl' | 'mongodbUrl'>): Checkpoints {
  const pool = createPool({ url: databaseUrl, application: APPLICATION, max: 2 });
  const mongo = mongodbUrl === null ? null : openMongo({ url: mongodbUrl, application: APPLICATION });
  return {
    pool,
    async of(consumer) {
      const { rows } = await pool.query<Checkpoint>(
        'select epoch, position from consumers.checkpoints where consumer = $1',
        [consumer],
      );
      const found =
        rows[0] ?? (mongo && (await consumerCollections(mongo.db).checkpoints.findOne({ _id: consumer })));
      if (!found) throw new Error(`${consumer} has no checkpoint`);
      return { epoch: found.epoch, position: found.position };
    },
    async close() {
      await mongo?.close();
      await pool.end();
    },
  };
}
