import { testDatabase } from '@annals/testing/servers/postgres';
import { eventStoreSuite } from '@annals/testing/suites/event-store.suite';
import pg from 'pg';
import { createPostgresEventStore } from './store.ts';

eventStoreSuite('PostgreSQL', {
  hasServer: true,
  createLog: async () => {
    const database = await testDatabase();
    const admin = new pg.Pool({ connectionString: database.url, max: 1 });
    return {
      open: () => createPostgresEventStore({ url: database.url, application: 'event-store-suite' }),
      restart: async () => {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'event-store-suite'`,
        );
      },
      drop: async () => {
        await admin.end();
        await database.drop();
      },
    };
  },
});
