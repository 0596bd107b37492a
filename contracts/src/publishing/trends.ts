/**
 * What trends: articles published within a window, by `publishedAt + window / 7 × log2(1 + likes)`. So twice as many likes
 * weigh as much as a seventh of the window in recency. The order does not change as time goes by, only as likes come,
 * which is why an index can hold it.
 */

/** The windows on offer, widest last. */
export const TREND_WINDOWS = ['1d', '7d', '30d'] as const;
export type TrendWindow = (typeof TREND_WINDOWS)[number];

const DAY_MS = 24 * 60 * 60_000;

/** A window's length in milliseconds. */
export function windowMs(window: TrendWindow): number {
  return Number.parseInt(window, 10) * DAY_MS;
}

/** Where an article stands in a window's order, the highest first; in milliseconds, never before its publication. */
export function trendScore(window: TrendWindow, publishedAt: string, likeCount: number): number {
  return Date.parse(publishedAt) + Math.round((windowMs(window) / 7) * Math.log2(1 + likeCount));
}

/** Rows: articles by their trends. */
export const articleTrendsView = { name: 'article_trends', version: 2 } as const;

/** What the trends of an article follow from. */
export interface ArticleTrendDoc {
  /** Null while it is not published. */
  readonly publishedAt: string | null;
  readonly isDeleted: boolean;
  readonly likeCount: number;
}

/** Columns of {@link articleTrendsView}: scores are 0 while an article is not public. */
export interface ArticleTrendColumns {
  readonly is_public: boolean;
  /** `-infinity` where not published. */
  readonly published_at: string;
  readonly score_1d: number;
  readonly score_7d: number;
  readonly score_30d: number;
}
