/** The corpus in the tables of the Django peer: the same articles, likes and comments as in a log of that shape. */
import type pg from 'pg';
import { articlesOf, type Corpus, loadCorpus } from '../publication/corpus.ts';
import { type PublicationShape, publishedAt } from '../publication/log.ts';

/** Fills tables that are empty. */
export async function fillDjango(client: pg.Client, corpus: Corpus, shape: PublicationShape): Promise<void> {
  const { articles, likes, comments } = shape;
  await loadCorpus(client, corpus);
  await client.query(AUTHORS);
  await client.query(ARTICLES, [articles, likes, comments]);
  await client.query(LIKES, [corpus.authors.length, likes]);
  await client.query(COMMENTS, [corpus.authors.length, comments]);
  await client.query(COUNTERS);
  for (const table of ['person', 'article', 'comment', 'liked'])
    await client.query(`select setval('${table}_id_seq', (select max(id) from ${table}))`);
  await client.query('vacuum analyze');
}

/** Nobody logs in with this password. */
const AUTHORS = `
  insert into person (id, username, email, password, first_name, last_name, article_count, follower_count)
  select number, 'author' || number, 'a' || number || '@example.test', '!', "firstName", "lastName", 0, 0
  from corpus_author`;

const ARTICLES = `
  insert into article (id, author_id, title, slug, content, excerpt, reading_minutes, tags, is_published, is_featured,
    published_at, created_at, updated_at, like_count, comment_count, view_count, revision)
  select number, author, title, slug, content, excerpt, "readingMinutes",
    array(select json_array_elements_text(tags)), true, false,
    ${publishedAt('number', '$1')}, '2026-01-01', '2026-01-01', $2::integer, $3::integer, 0, 1
  from (${articlesOf('1', '$1')}) made`;

const LIKES = `
  insert into liked (article_id, person_id)
  select id, 1 + (id * 7 + nth) % $1::integer from article, generate_series(1, $2::integer) nth`;

const COMMENTS = `
  insert into comment (article_id, author_id, content, is_hidden, created_at)
  select id, 1 + (id * 3 + nth) % $1::integer, excerpt, false, '2026-01-01'
  from article, generate_series(1, $2::integer) nth`;

const COUNTERS = `
  insert into counter (name, count) select 'published', count(*) from article;
  update person set article_count = made.count
  from (select author_id, count(*) from article group by author_id) made where made.author_id = person.id`;
