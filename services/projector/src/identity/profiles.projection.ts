/** Profiles as rows: for lists, for joins, and for finding people by name. */
import {
  type ProfileColumns,
  type ProfileDoc,
  profilesView,
  toPersonSummary,
  toProfile,
} from '@annals/contracts/identity/docs';
import { foldTitle, LONGEST_TITLE_WORD } from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { NAMES_CONFIGURATION } from '../view-migrations.ts';
import { evolveProfile, profileAggregates, profileKeys } from './profile.ts';

const columns: Record<keyof ProfileColumns, Column<ProfileDoc>> = {
  part: { type: 'text', of: (profile) => JSON.stringify(toProfile(profile)) },
  summary: { type: 'text', of: (profile) => JSON.stringify(toPersonSummary(profile)) },
  username_lower: { type: 'text', of: (profile) => profile.usernameLower ?? '' },
  names: { type: 'tsvector', of: searchableNames, sql: `to_tsvector('${NAMES_CONFIGURATION}', $value)` },
  name_words: { type: 'text', of: nameWords },
  joined_at: { type: 'timestamptz', of: (profile) => profile.joinedAt },
  article_count: { type: 'integer', of: (profile) => profile.articleCount },
  follower_count: { type: 'integer', of: (profile) => profile.followerCount },
  following_count: { type: 'integer', of: (profile) => profile.followingCount },
};

export const profiles = defineProjection<ProfileDoc>()({
  ...profilesView,
  store: 'rows',
  aggregates: profileAggregates,
  erasers: ['UserErased'],
  keys: profileKeys,
  evolve: evolveProfile,
  rows: {
    columns,
    indexes: [
      '(username_lower collate "C", key)',
      'using gin (username_lower gin_trgm_ops)',
      'using gin (names)',
      'using gin (name_words gin_trgm_ops)',
      '(joined_at, key)',
      '(article_count, key)',
      '(follower_count, key)',
    ],
  },
});

/** The username also in parts, since `ada.lovelace` reads like a host's name. */
function searchableNames({ username, displayName }: ProfileDoc): string {
  return username === null ? '' : `${displayName} ${username} ${username.replace(/[._-]+/g, ' ')}`;
}

/** They stand in the person's own row alone, and so go with the person. */
function nameWords(profile: ProfileDoc): string {
  const words = foldTitle(searchableNames(profile)).match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter(({ length }) => length <= LONGEST_TITLE_WORD).join(' ');
}
