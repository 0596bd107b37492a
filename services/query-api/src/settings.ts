/** Settings of the connections that queries use. */

/** How much alike words must be for the search to look whether the difference is a typo. */
const TYPO_THRESHOLD = 0.2;

/** Tables grow and lists stop early: what reads a table from its beginning to find a few rows is never worth it. */
const byIndex = { enable_seqscan: 'off' } as const;

/** Whatever their parameters, quick statements have one good plan; it takes few rows, one by one, from indexes. */
export const settingsOfQuick = {
  ...byIndex,
  plan_cache_mode: 'force_generic_plan',
  enable_bitmapscan: 'off',
} as const;

/**
 * Of searches and whatever else may take long: how many rows match differs, and so does the best plan. Many run at the same
 * time, so none takes several processors.
 */
export const settingsOfOthers = {
  ...byIndex,
  plan_cache_mode: 'force_custom_plan',
  max_parallel_workers_per_gather: '0',
  'pg_trgm.similarity_threshold': String(TYPO_THRESHOLD),
  'pg_trgm.strict_word_similarity_threshold': String(TYPO_THRESHOLD),
} as const;
