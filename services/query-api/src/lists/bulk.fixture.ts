/** Views with many rows, each a copy of one that was projected, but for some columns. */
import type pg from 'pg';

/** `count` copies of the row `key` of `views.<view>`; `columns` is SQL of a JSON object in `n`, 1 to `count`, `key` among its members. */
async function copies(
  pool: pg.Pool,
  view: string,
  key: string,
  count: number,
  columns: string,
): Promise<void> {
  await pool.query(
    `insert into views.${view} select copy.* from views.${view} original, generate_series(1, ${count}) n,
     lateral jsonb_populate_record(original, ${columns}) copy where original.key = $1`,
    [key],
  );
  await pool.query(`vacuum (analyze) views.${view}`);
}

const ago = (unit: string) => `now() - n * interval '1 ${unit}'`;
const id = `'bulk-' || lpad(n::text, 6, '0')`;

export interface BulkKeys {
  readonly article: string;
  readonly author: string;
  /** Of the article's title. */
  readonly word: string;
  readonly follower: string;
  readonly like: string;
  readonly comment: string;
  readonly follow: string;
}

/** Names of the tables, by what they hold. */
export type BulkTables = Readonly<
  Record<
    | 'list'
    | 'search'
    | 'words'
    | 'profiles'
    | 'follows'
    | 'likes'
    | 'comments'
    | 'trends'
    | 'counters'
    | 'history',
    string
  >
>;

/** Every title and content holds `common`, every hundredth title `rarely`; 500 authors, of whom the follower follows 3,000. */
export async function fillViews(
  pool: pg.Pool,
  tables: BulkTables,
  keys: BulkKeys,
  rows: number,
): Promise<void> {
  const title = `'common ' || case when n % 100 = 0 then 'rarely ' else '' end || 'title ' || n`;
  const text = `'Some common words of text number ' || n`;
  await copies(
    pool,
    tables.list,
    keys.article,
    rows,
    `jsonb_build_object('key', ${id}, 'author_id', 'author-' || n % 500, 'title_folded', ${title},
      'part', '{"id":"' || ${id} || '","title":"' || ${title} || '"', 'tags', array['tag-' || n % 50],
      'published_at', ${ago('minute')}, 'created_at', ${ago('hour')}, 'updated_at', ${ago('second')},
      'like_count', n % 1000, 'comment_count', n % 300, 'is_featured', n % 200 = 0, 'external_id', 'x-' || n)`,
  );
  await copies(
    pool,
    tables.search,
    keys.article,
    rows,
    `jsonb_build_object('key', ${id}, 'doc', jsonb_build_object('title', ${title}, 'text', ${text}),
      'author_id', 'author-' || n % 500,
      'title', to_tsvector('views.annals_text', ${title}),
      'document', setweight(to_tsvector('views.annals_text', ${title}), 'A')
        || setweight(to_tsvector('views.annals_text', ${text}), 'D'))`,
  );
  await copies(pool, tables.words, keys.word, rows, `jsonb_build_object('key', 'word' || n)`);
  await copies(
    pool,
    tables.profiles,
    keys.author,
    rows,
    `jsonb_build_object('key', 'author-' || n, 'username_lower', 'user-' || n, 'joined_at', ${ago('minute')},
      'names', to_tsvector('views.annals_names', 'user ' || n), 'name_words', 'user ' || n, 'article_count', n % 40, 'follower_count', n % 90)`,
  );
  await copies(
    pool,
    tables.follows,
    keys.follow,
    rows,
    `jsonb_build_object('key', 'follow-' || n, 'user_id', 'author-' || n, 'followed_at', ${ago('minute')},
      'follower_id', case when n <= 3000 then '${keys.follower}' else 'author-' || n % 7000 end)`,
  );
  for (const [table, key] of [
    [tables.likes, keys.like],
    [tables.comments, keys.comment],
  ] as const) {
    await copies(
      pool,
      table,
      key,
      rows,
      `jsonb_build_object('key', ${id}, 'article_id', 'bulk-' || n % 100, 'liked_at', ${ago('minute')},
        'created_at', ${ago('minute')})`,
    );
  }
  await copies(
    pool,
    tables.trends,
    keys.article,
    rows,
    `jsonb_build_object('key', ${id}, 'published_at', ${ago('minute')},
      'score_1d', s, 'score_7d', s + n % 50000, 'score_30d', s + n % 900000)`.replaceAll(
      ' s',
      ` (extract(epoch from ${ago('minute')}) * 1000)::bigint`,
    ),
  );
  await copies(
    pool,
    tables.counters,
    `author:${keys.author}`,
    rows,
    `jsonb_build_object('key', 'author:author-' || n, 'count', n % 40)`,
  );
  await copies(
    pool,
    tables.history,
    `${keys.article}@0`,
    rows,
    `jsonb_build_object('key', ${id} || '@0', 'article_id', ${id})`,
  );
}
