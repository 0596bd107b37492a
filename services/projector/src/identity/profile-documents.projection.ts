/** Profiles as documents: for single screens. */
import { type ProfileDoc, profileDocumentsView } from '@annals/contracts/identity/docs';
import { defineProjection } from '@annals/platform/consumer/projection';
import { evolveProfile, profileAggregates, profileKeys } from './profile.ts';

export const profileDocuments = defineProjection<ProfileDoc>()({
  ...profileDocumentsView,
  aggregates: profileAggregates,
  erasers: ['UserErased'],
  keys: profileKeys,
  evolve: evolveProfile,
  lookups: ['usernameLower'],
});
