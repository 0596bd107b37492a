import { testDatabase } from '@annals/testing/servers/postgres';
import { consumerStoreSuite, type StoreUnderTest } from '@annals/testing/suites/consumer-store.suite';
import { documentsSuite } from '@annals/testing/suites/documents.suite';
import { createPool } from '../../postgres/pool.ts';
import type { Documents } from '../../read-store/documents.ts';
import { createPostgresDocuments } from '../../read-store/postgres-documents.ts';
import { besideOf } from '../projection.ts';
import { createPostgresViewStore } from './store.ts';

async function open(): Promise<StoreUnderTest & { readonly documents: Documents }> {
  const database = await testDatabase();
  const newPool = () => createPool({ url: database.url, application: 'test', pipeline: true });
  const pools = [newPool(), newPool()] as const;
  const [pool, second] = pools;
  return {
    store: createPostgresViewStore({ pool }),
    other: createPostgresViewStore({ pool: second }),
    documents: createPostgresDocuments(pool),
    async texts(consumer) {
      const { rows } = await pool.query<{ key: string; doc: string }>(
        `select key, doc::text as doc from views.${consumer} order by key`,
      );
      return new Map(rows.map(({ key, doc }) => [key, doc]));
    },
    async tables(view) {
      const { rows } = await pool.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'views' and tablename in ($1, $2) order by 1`,
        [view, besideOf(view)],
      );
      return rows.map(({ name }) => name);
    },
    async beginDrop(consumer) {
      await pool.query('delete from consumers.checkpoints where consumer = $1', [consumer]);
    },
    async expireLease(consumer) {
      await pool.query(
        `update consumers.checkpoints set lease_until = now() - interval '1 s' where consumer = $1`,
        [consumer],
      );
    },
    async drop() {
      await Promise.all(pools.map((each) => each.end()));
      await database.drop();
    },
  };
}

consumerStoreSuite('PostgreSQL rows', { kind: 'rows', open, refused: { count: 2 ** 40, slug: 'too large' } });
consumerStoreSuite('PostgreSQL documents', {
  kind: 'documents',
  open,
  refused: { count: 1, slug: 'a\u0000b' },
});
documentsSuite('PostgreSQL JSON', { open });
