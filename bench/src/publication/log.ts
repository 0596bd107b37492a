/** The corpus as a log: its authors, its articles, and what is done with them. */
import type pg from 'pg';
import { append, idOf } from '../read/log-data.ts';
import { articlesOf, type Corpus, loadCorpus } from './corpus.ts';

export interface PublicationShape {
  readonly articles: number;
  /** Of each article. */
  readonly likes: number;
  readonly comments: number;
}

/** Articles of one statement. */
const CHUNK = 10_000;
/** What follows a publication lies among the events of this many articles. */
const SPREAD = 100;

/** Fills a log that has nothing yet but its tables; every article is published. */
export async function fillPublication(
  client: pg.Client,
  corpus: Corpus,
  { articles, likes, comments }: PublicationShape,
  say: (text: string) => void,
): Promise<void> {
  await loadCorpus(client, corpus);
  await client.query(AUTHORS);
  const people = corpus.authors.length;
  for (let first = 1; first <= articles; first += CHUNK) {
    say(`${first - 1} of ${articles} articles in the log`);
    const last = Math.min(first + CHUNK - 1, articles);
    await client.query(ARTICLES, [first, last, people, likes, comments, articles]);
  }
}

/** SQL: when article `number` of `count` was published: one every half minute, the newest last midnight. */
export const publishedAt = (number: string, count: string) =>
  `date_trunc('day', now() at time zone 'UTC') - (${count}::integer - ${number}) * interval '30 seconds'`;

const person = (number: string) => idOf('0197e2a1', number);

const AUTHORS = `
  with made as (
    select number as at, 0 as step, 'user-' || id as stream, 0 as revision, 'UserRegistered' as type,
      json_build_object('userId', id, 'username', 'author' || number, 'email', 'a' || number || '@example.test',
        'firstName', "firstName", 'lastName', "lastName", 'imported', true) as data
    from corpus_author, lateral (select ${person('number')} as id) named
  ) ${append}`;

const ARTICLES = `
  with article as (
    select made.*, ${idOf('0197e2a2', 'number')} as id, ${person('author')} as "authorId"
    from (${articlesOf('$1', '$2')}) made
  ), made as (
    select number::double precision as at, 1 as step, 'article-' || id as stream, 0 as revision,
      'ArticleCreated' as type,
      json_build_object('articleId', id, 'authorId', "authorId", 'title', title, 'slug', slug, 'tags', tags,
        'externalId', null, 'content', content) as data
    from article
    union all
    select number, 2, 'article-' || id, 1, 'ArticlePublished',
      json_build_object('articleId', id, 'authorId', "authorId", 'tags', tags, 'publishedAt',
        to_char(${publishedAt('number', '$6')}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    from article
    union all
    select number + random() * ${SPREAD}, 3, 'like-' || id || '.' || liker, 0, 'ArticleLiked',
      json_build_object('articleId', id, 'userId', liker)
    from article, generate_series(1, $4::integer) nth,
      lateral (select ${person('1 + (number * 7 + nth) % $3::integer')} as liker) person
    union all
    select number + random() * ${SPREAD}, 4, 'comment-' || comment, 0, 'CommentAdded',
      json_build_object('commentId', comment, 'articleId', id, 'parentId', null,
        'authorId', ${person('1 + (number * 3 + nth) % $3::integer')}, 'content', excerpt)
    from article, generate_series(1, $5::integer) nth,
      lateral (select ${idOf('0197e2a3', 'number * $5::integer + nth')} as comment) remark
  ) ${append}`;
