/** Logs of a made-up community, written in bulk past the store: people, articles, and what is done with them. */
import type pg from 'pg';

export interface LogShape {
  readonly people: number;
  readonly articles: number;
  /** Of each article. */
  readonly likes: number;
  readonly comments: number;
}

/** Articles of one statement. */
const CHUNK = 10_000;
/** What follows a publication lies among the events of this many articles. */
const SPREAD = 2_000;

/** The id of article `number`, from 1. They follow each other as ids made at different times do. */
export function articleId(number: number): string {
  return `0197e2a2-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** The id of person `number`, from 1. */
export function personId(number: number): string {
  return `0197e2a1-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** Fills a log that has nothing yet but its tables. */
export async function fillLog(client: pg.Client, shape: LogShape): Promise<void> {
  await client.query(PEOPLE, [shape.people]);
  for (let first = 1; first <= shape.articles; first += CHUNK) {
    const last = Math.min(first + CHUNK - 1, shape.articles);
    await client.query(ARTICLES, [first, last, shape.people, shape.likes, shape.comments]);
  }
}

const UNKNOWN = '0197e2a0-0000-7000-8000-000000000000';
const METADATA = JSON.stringify({
  schemaVersion: 1,
  commandId: UNKNOWN,
  correlationId: UNKNOWN,
  causationId: UNKNOWN,
  actor: { kind: 'system', id: null },
  occurredAt: '2026-01-01T00:00:00.000Z',
});

/** SQL: the id that {@link articleId} and its like give,. */
export const idOf = (prefix: string, number: string) =>
  `'${prefix}-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0')`;

/** SQL: numbers what \`made (at, step, stream, revision, type, data)\` gives, and moves the head. */
export const append = `
  , appended as (
    insert into event_store.events (position, stream, revision, id, type, data, metadata)
    select log.head + row_number() over (order by at, step), stream, revision, gen_random_uuid(), type, data::text,
      '${METADATA}'
    from made, event_store.log
    returning 1
  )
  update event_store.log set head = head + (select count(*) from appended)`;

const PEOPLE = `
  with made as (
    select number as at, 0 as step, 'user-' || id as stream, 0 as revision, 'UserRegistered' as type,
      json_build_object('userId', id, 'username', 'person' || number, 'email', 'p' || number || '@example.test',
        'firstName', 'Ada', 'lastName', 'Person ' || number, 'imported', false) as data
    from generate_series(1, $1::integer) number, lateral (select ${idOf('0197e2a1', 'number')} as id) named
  ) ${append}`;

const ARTICLES = `
  with article as (
    select number, ${idOf('0197e2a2', 'number')} as id, ${idOf('0197e2a1', '1 + number % $3::integer')} as author,
      json_build_array('tag' || number % 50, 'history') as tags
    from generate_series($1::integer, $2::integer) number
  ), made as (
    select number::double precision as at, 1 as step, 'article-' || id as stream, 0 as revision,
      'ArticleCreated' as type,
      json_build_object('articleId', id, 'authorId', author, 'title', 'On engines and poems, part ' || number,
        'slug', 'on-engines-' || number, 'tags', tags, 'externalId', null,
        'content', '<p>' || repeat('Some words about engines and what they weave. ', 6) || '</p>') as data
    from article
    union all
    select number, 2, 'article-' || id, 1, 'ArticlePublished',
      json_build_object('articleId', id, 'authorId', author, 'tags', tags, 'publishedAt',
        to_char(timestamp '2020-01-01' + number * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    from article
    union all
    select number + random() * ${SPREAD}, 3, 'like-' || id || '.' || liker, 0, 'ArticleLiked',
      json_build_object('articleId', id, 'userId', liker)
    from article, generate_series(1, $4::integer) nth,
      lateral (select ${idOf('0197e2a1', '1 + (number * 7 + nth * 13) % $3::integer')} as liker) person
    union all
    select number + random() * ${SPREAD}, 4, 'comment-' || comment, 0, 'CommentAdded',
      json_build_object('commentId', comment, 'articleId', id, 'parentId', null,
        'authorId', ${idOf('0197e2a1', '1 + (number * 3 + nth) % $3::integer')},
        'content', 'What a fine engine this is, and how well it weaves.')
    from article, generate_series(1, $5::integer) nth,
      lateral (select ${idOf('0197e2a3', 'number * $5::integer + nth')} as comment) remark
  ) ${append}`;
