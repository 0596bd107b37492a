/** The limit for queries over HTTP: fastify, one prepared statement that gives the answer's rows as text, nothing else. */
import { fastify } from 'fastify';
import pg from 'pg';
import { serve } from '../kit/child.ts';

interface Ask {
  readonly kind: 'start';
  readonly databaseUrl: string;
  /** On a few shared connections, or on a pool with one statement at a time on each. */
  readonly isPipelined: boolean;
}

/** The newest articles with their authors, as the API shows them. */
const LIST = `
  select string_agg(page.part || ',"author":' || person.summary || '}', ',' order by page.ord) as items
  from (
    select *, row_number() over () as ord from (
      select part, author_id from views.article_list_v4 where is_public order by published_at desc, key desc limit 20
    ) newest
  ) page left join views.profiles_v4 person on person.key = page.author_id`;

/** An article with the people in it. */
const DETAIL = `
  select doc::text as doc, (
    select string_agg(person.doc::text, ',') from views.profile_documents_v4 person where person.key = any ($2)
  ) as people
  from views.article_details_v3 where key = $1`;

async function open({ databaseUrl, isPipelined }: Ask): Promise<pg.Pool['query']> {
  if (!isPipelined) {
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
    return pool.query.bind(pool);
  }
  const client = new pg.Client({ connectionString: databaseUrl, pipeline: true });
  await client.connect();
  return client.query.bind(client) as pg.Pool['query'];
}

serve<Ask>(async (ask) => {
  const query = await open(ask);
  const server = fastify();
  server.get('/list', async (_request, reply) => {
    const { rows } = await query<{ items: string }>({ name: 'list', text: LIST });
    return reply.type('application/json').send(`{"results":[${rows[0]?.items}]}`);
  });
  server.get<{ Querystring: { id: string; people: string } }>('/detail', async (request, reply) => {
    const { id, people } = request.query;
    const values = [id, people.split(',')];
    const { rows } = await query<{ doc: string; people: string }>({ name: 'detail', text: DETAIL, values });
    return reply.type('application/json').send(`{"article":${rows[0]?.doc},"people":[${rows[0]?.people}]}`);
  });
  return { url: await server.listen({ host: '127.0.0.1', port: 0 }) };
});
