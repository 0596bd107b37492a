import { followKey } from '@annals/contracts/identity/docs';
import { ERASED } from '@annals/contracts/kit/personal';
import { projectionSpec } from '@annals/testing/projection-spec';
import { describe, expect, test } from 'vitest';
import { projections } from '../projections.ts';
import {
  ADA,
  ARTICLE,
  deleted,
  followed,
  GRACE,
  lapsed,
  ofUser,
  published,
  registered,
  restored,
  unpublished,
} from '../samples.fixture.ts';
import { accounts } from './accounts.projection.ts';
import { follows } from './follows.projection.ts';
import { profileDocuments } from './profile-documents.projection.ts';
import { profiles } from './profiles.projection.ts';

const JOINED = '2026-01-01T00:00:00.000Z';
const ada = {
  id: ADA,
  username: 'Ada.L',
  usernameLower: 'ada.l',
  firstName: 'Ada',
  lastName: 'Lovelace',
  displayName: 'Ada Lovelace',
  bio: '',
  website: null,
  avatarUrl: null,
  joinedAt: JOINED,
  followerCount: 0,
  followingCount: 0,
  articleCount: 0,
  revision: 0,
};

describe.each([
  ['profiles', profiles],
  ['profile_documents', profileDocuments],
])('%s', (_, projection) => {
  const spec = projectionSpec(projection);

  test('I1 a registered person has a profile', () => {
    spec.given(registered()).thenDocument(ADA, ada);
  });

  test('a person without a name goes by the username', () => {
    spec.given(registered({ firstName: '', lastName: '' })).thenFields(ADA, { displayName: 'Ada.L' });
  });

  test('I7 an update changes what it names and nothing else', () => {
    const website = 'https://example.org/';
    const first = ofUser('ProfileUpdated', { bio: 'Writes programs.', website });
    spec
      .given(registered(), first)
      .thenDocument(ADA, { ...ada, bio: 'Writes programs.', website, revision: 1 });
    const second = ofUser('ProfileUpdated', { lastName: 'King', website: null });
    spec
      .given(registered(), first, second)
      .thenFields(ADA, { bio: 'Writes programs.', website: null, displayName: 'Ada King', revision: 2 });
  });

  test('every event of the person’s stream moves the revision', () => {
    const permission = 'can_publish';
    const events = [
      ofUser('PermissionGranted', { permission }),
      ofUser('PermissionRevoked', { permission }),
      ofUser('UserDisabled'),
      ofUser('UserEnabled'),
      ofUser('PasswordChanged', { passwordId: ARTICLE, sessionId: null }),
      ofUser('EmailConfirmed', { requestId: ADA, email: 'ada@example.org' }),
      ofUser('AvatarChanged', { avatarId: null }),
      lapsed(`user-${ADA}`),
    ];
    spec.given(registered(), ...events).thenDocument(ADA, { ...ada, revision: events.length });
  });

  test('I8 an erased person is a deleted user, whether the key of the data is gone already or not', () => {
    const texts = { firstName: 'Ada', bio: 'Writes programs.', website: 'https://example.org/' };
    const gone = { username: ERASED, email: ERASED, firstName: ERASED, lastName: ERASED };
    const blank = {
      ...ada,
      ...{ username: null, usernameLower: null, firstName: '', lastName: '', displayName: 'deleted user' },
      revision: 2,
    };
    for (const [person, profile] of [
      [registered(), texts],
      [registered(gone), { firstName: ERASED, bio: ERASED, website: ERASED }],
    ] as const)
      spec.given(person, ofUser('ProfileUpdated', profile), ofUser('UserErased')).thenDocument(ADA, blank);
  });

  test('I1 a picture is where the profile says, and gone with its person', () => {
    const pictured = ofUser('AvatarChanged', { avatarId: ARTICLE });
    spec.given(registered(), pictured).thenFields(ADA, { avatarUrl: `/v1/avatars/${ARTICLE}` });
    spec.given(registered(), pictured, ofUser('UserErased')).thenFields(ADA, { avatarUrl: null });
  });

  test('the article count follows publications', () => {
    const steps = [published(), unpublished(), published(), deleted(true), restored(true)];
    const counts = [1, 0, 1, 0, 1];
    for (const [at, articleCount] of counts.entries()) {
      spec.given(registered(), ...steps.slice(0, at + 1)).thenFields(ADA, { articleCount, revision: 0 });
    }
    spec.given(registered(), deleted(false), restored(false)).thenFields(ADA, { articleCount: 0 });
  });

  test('I7 counts of followers and followed people follow what was done, on both sides', () => {
    const grace = registered({ userId: GRACE, username: 'Grace' });
    const one = { userId: ADA, followerId: GRACE };
    const back = { userId: GRACE, followerId: ADA };
    const both = spec.given(registered(), grace, followed(one), followed(back));
    for (const id of [ADA, GRACE]) both.thenFields(id, { followerCount: 1, followingCount: 1, revision: 0 });
    const ended = spec.given(registered(), grace, followed(one), followed(one, 'UserUnfollowed'));
    for (const id of [ADA, GRACE]) ended.thenFields(id, { followerCount: 0, followingCount: 0 });
    spec.given(followed(one)).thenKeys();
  });

  test('I8 an erased person is a deleted user', () => {
    const erased = { username: ERASED, email: ERASED, firstName: ERASED, lastName: ERASED };
    const update = ofUser('ProfileUpdated', { bio: ERASED, website: ERASED, firstName: ERASED });
    spec.given(registered(erased), update).thenDocument(ADA, {
      ...ada,
      ...{ username: null, usernameLower: null, firstName: '', lastName: '' },
      displayName: 'deleted user',
      revision: 1,
    });
  });

  test('nothing is made of people who never registered', () => {
    spec.given(ofUser('ProfileUpdated', { bio: 'x' }), lapsed(`user-${ADA}`), published()).thenKeys();
    spec.given(registered(), lapsed(`article-${ARTICLE}`)).thenDocument(ADA, ada);
  });
});

describe('profiles', () => {
  test('I7 its columns hold what is public, ready to be sent', () => {
    const { usernameLower: _, revision: __, ...profile } = ada;
    projectionSpec(profiles)
      .given(registered(), published())
      .thenColumns(ADA, {
        part: JSON.stringify({ ...profile, articleCount: 1 }),
        summary: JSON.stringify({ id: ADA, username: 'Ada.L', displayName: 'Ada Lovelace', avatarUrl: null }),
        username_lower: 'ada.l',
        names: 'Ada Lovelace Ada.L Ada L',
        name_words: 'ada lovelace l',
        joined_at: JOINED,
        article_count: 1,
        follower_count: 0,
        following_count: 0,
      });
  });

  test('I8 an erased person is found by no name', () => {
    projectionSpec(profiles)
      .given(registered({ username: ERASED, firstName: ERASED }))
      .thenColumns(ADA, { username_lower: '', names: '', name_words: '' });
  });
});

describe('follows', () => {
  const spec = projectionSpec(follows);
  const data = { userId: ADA, followerId: GRACE };

  test('I7 a row per following, while it lasts', () => {
    const key = followKey(data);
    spec.given(followed(data)).thenDocument(key, { ...data, followedAt: JOINED });
    spec.given(followed(data)).thenColumns(key, { user_id: ADA, follower_id: GRACE, followed_at: JOINED });
    spec.given(followed(data), followed(data, 'UserUnfollowed')).thenKeys();
  });
});

describe('accounts', () => {
  const spec = projectionSpec(accounts);
  const account = {
    id: ADA,
    email: 'ada@example.org',
    emailConfirmed: false,
    permissions: [],
    preferences: {},
    revision: 0,
  };

  test('I1 a registered person has an account', () => {
    spec.given(registered()).thenDocument(ADA, account);
  });

  test('I6 permissions come and go', () => {
    const grant = (permission: string) => ofUser('PermissionGranted', { permission });
    const given = [registered(), grant('staff'), grant('can_import'), grant('staff')];
    spec.given(...given).thenDocument(ADA, { ...account, permissions: ['can_import', 'staff'], revision: 3 });
    const revoked = ofUser('PermissionRevoked', { permission: 'staff' });
    spec.given(...given, revoked).thenFields(ADA, { permissions: ['can_import'], revision: 4 });
  });

  test('I5 a confirmed address is the own one, also where it is another', () => {
    const confirmed = (email: string) => ofUser('EmailConfirmed', { requestId: ADA, email });
    spec
      .given(registered(), confirmed('ada@example.org'))
      .thenDocument(ADA, { ...account, emailConfirmed: true, revision: 1 });
    spec
      .given(registered(), confirmed('new@example.org'))
      .thenFields(ADA, { email: 'new@example.org', emailConfirmed: true });
    spec.given(registered(), ofUser('UserErased')).thenKeys();
  });

  test('every other event of the stream moves the revision', () => {
    const others = [
      ofUser('PasswordChanged', { passwordId: ARTICLE, sessionId: null }),
      ofUser('ProfileUpdated', { bio: 'x' }),
      ofUser('UserDisabled'),
      ofUser('UserEnabled'),
      lapsed(`user-${ADA}`),
    ];
    spec.given(registered(), ...others).thenDocument(ADA, { ...account, revision: 5 });
  });

  test('I8 an erased person has none', () => {
    spec.given(registered({ email: ERASED }), ofUser('UserDisabled')).thenKeys();
  });
});

test.each(projections.filter(({ handles }) => handles.has('UserErased')).map((one) => [one.name, one]))(
  'I8 an erasure blanks what is parked in %s at once',
  (_, { erasers }) => expect(erasers).toContain('UserErased'),
);
