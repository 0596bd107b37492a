import type { UserEvent } from '@annals/contracts/identity/user.events';
import { ERASED } from '@annals/contracts/kit/personal';
import { Problem } from '@annals/contracts/problems';
import { deciderSpec } from '@annals/testing/decider-spec';
import { describe, expect, test } from 'vitest';
import * as user from './user.ts';

const spec = deciderSpec(user);
const person = {
  userId: 'user',
  username: 'Ada',
  email: 'ada@example.org',
  firstName: 'Ada',
  lastName: 'Lovelace',
  imported: false,
};
const registered: UserEvent = { type: 'UserRegistered', data: person };
const granted: UserEvent = { type: 'PermissionGranted', data: { userId: 'user', permission: 'staff' } };

describe('registration', () => {
  test('I1 happens once', () => {
    spec
      .given()
      .when((state) => user.register(state, person))
      .thenEvents(registered);
    spec
      .given(registered)
      .when((state) => user.register(state, person))
      .thenNothing();
  });

  test('I1 username and address are unique whatever their case, and nobody’s once erased', () => {
    expect(user.keys(spec.given(registered).state)).toEqual([
      { kind: 'username', parts: ['ada'] },
      { kind: 'email', parts: ['ada@example.org'] },
    ]);
    const erased: UserEvent = {
      type: 'UserRegistered',
      data: { ...person, username: ERASED, email: ERASED },
    };
    expect(user.keys(spec.given(erased).state)).toEqual([]);
    expect(user.keys(spec.given().state)).toEqual([]);
  });
});

describe('profile', () => {
  test('I1 only what is given and different changes', () => {
    const state = spec
      .given(registered)
      .when((state) => user.updateProfile(state, { firstName: 'Ada', bio: 'Writes programs.' }))
      .thenEvents({ type: 'ProfileUpdated', data: { userId: 'user', bio: 'Writes programs.' } });
    expect(state).toMatchObject({
      profile: { firstName: 'Ada', lastName: 'Lovelace', bio: 'Writes programs.' },
    });
    spec
      .given(registered)
      .when((state) => user.updateProfile(state, { website: null }))
      .thenNothing();
  });

  test('of nobody is not found', () => {
    spec
      .given()
      .when((state) => user.updateProfile(state, {}))
      .thenRefused('not-found');
  });
});

describe('permissions', () => {
  test('I6 are granted once', () => {
    spec
      .given(registered)
      .when((state) => user.grantPermission(state, 'staff'))
      .thenEvents(granted);
    spec
      .given(registered, granted)
      .when((state) => user.grantPermission(state, 'staff'))
      .thenNothing();
    spec
      .given()
      .when((state) => user.grantPermission(state, 'staff'))
      .thenRefused('not-found');
  });

  test('I6 are revoked once, and nobody revokes their own staff', () => {
    const revoked: UserEvent = { type: 'PermissionRevoked', data: { userId: 'user', permission: 'staff' } };
    const revoke = (by: string | null) => (state: user.UserState) =>
      user.revokePermission(state, 'staff', by);
    const after = spec.given(registered, granted).when(revoke('other')).thenEvents(revoked);
    expect(after).toMatchObject({ permissions: [] });
    spec.given(registered, granted, revoked).when(revoke(null)).thenNothing();
    spec.given(registered, granted).when(revoke('user')).thenRefused('own-access');
    spec.given(registered).when(revoke('user')).thenRefused('own-access');
    spec
      .given(registered)
      .when((state) => user.revokePermission(state, 'can_publish', 'user'))
      .thenNothing();
    spec.given().when(revoke('other')).thenRefused('not-found');
  });
});

describe('disabling', () => {
  test('I6 happens once and is undone once, and nobody disables themselves', () => {
    const disabled: UserEvent = { type: 'UserDisabled', data: { userId: 'user' } };
    const enabled: UserEvent = { type: 'UserEnabled', data: { userId: 'user' } };
    const disable = (by: string | null) => (state: user.UserState) => user.disable(state, by);
    expect(spec.given(registered).when(disable('other')).thenEvents(disabled)).toMatchObject({
      isDisabled: true,
    });
    spec.given(registered, disabled).when(disable(null)).thenNothing();
    spec.given(registered).when(disable('user')).thenRefused('own-access');
    expect(spec.given(registered, disabled).when(user.enable).thenEvents(enabled)).toMatchObject({
      isDisabled: false,
    });
    spec.given(registered).when(user.enable).thenNothing();
    spec.given().when(user.enable).thenRefused('not-found');
    spec.given().when(disable('other')).thenRefused('not-found');
  });
});

describe('password and address', () => {
  const change = { passwordId: 'second', replacedId: 'user', sessionId: 's' };
  const changed: UserEvent = {
    type: 'PasswordChanged',
    data: { userId: 'user', passwordId: 'second', sessionId: 's' },
  };
  const stale = () => new Problem('invalid-token', 'stale');
  const confirmed = (requestId: string, email: string): UserEvent => ({
    type: 'EmailConfirmed',
    data: { userId: 'user', requestId, email },
  });

  test('I5 a password replaces the one that was proven, and no other: a token for it works once', () => {
    const use = (state: user.UserState) => user.changePassword(state, change, stale);
    spec.given(registered).when(use).thenEvents(changed);
    spec.given(registered, changed).when(use).thenRefused('invalid-token');
    spec.given().when(use).thenRefused('not-found');
  });

  test('I5 sessions go on that were begun with the password that counts, or in which it was changed', () => {
    const disabled: UserEvent = { type: 'UserDisabled', data: { userId: 'user' } };
    const { state } = spec.given(registered, changed);
    expect(user.mayGoOn(state, { id: 's', passwordId: 'user' })).toBe(true);
    expect(user.mayGoOn(state, { id: 'other', passwordId: 'user' })).toBe(false);
    expect(user.mayGoOn(state, { id: 'other', passwordId: 'second' })).toBe(true);
    const { state: out } = spec.given(registered, disabled);
    expect(user.mayGoOn(out, { id: 's', passwordId: 'user' })).toBe(false);
    expect(user.mayGoOn(user.initial, { id: 's', passwordId: 'user' })).toBe(false);
  });

  test('I5 the first address is proven by the user’s own id, once, and not after another', () => {
    const confirm = (state: user.UserState) => user.confirmEmail(state, 'user', null);
    const first = confirmed('user', person.email);
    spec.given(registered).when(confirm).thenEvents(first);
    spec.given(registered, first).when(confirm).thenNothing();
    spec.given(registered, confirmed('r', 'new@example.org')).when(confirm).thenRefused('invalid-token');
  });

  test('I5 a proven address takes the place of the old one, and its key as well', () => {
    const confirm = (state: user.UserState) => user.confirmEmail(state, 'r', 'new@example.org');
    const event = confirmed('r', 'new@example.org');
    const state = spec.given(registered).when(confirm).thenEvents(event);
    expect(user.keys(state)).toContainEqual({ kind: 'email', parts: ['new@example.org'] });
    expect(user.keys(state)).toHaveLength(2);
    spec.given(registered, event).when(confirm).thenNothing();
    spec
      .given(registered)
      .when((before) => user.confirmEmail(before, 'r', null))
      .thenRefused('invalid-token');
  });
});

test('I1 a picture is replaced and removed, each once', () => {
  const changed: UserEvent = { type: 'AvatarChanged', data: { userId: 'user', avatarId: 'a' } };
  const change = (avatarId: string | null) => (state: user.UserState) => user.changeAvatar(state, avatarId);
  spec.given(registered).when(change('a')).thenEvents(changed);
  spec.given(registered, changed).when(change('a')).thenNothing();
  spec
    .given(registered, changed)
    .when(change(null))
    .thenEvents({ ...changed, data: { ...changed.data, avatarId: null } });
  spec.given(registered).when(change(null)).thenNothing();
  spec.given().when(change('a')).thenRefused('not-found');
});

describe('erasure', () => {
  const erased: UserEvent = { type: 'UserErased', data: { userId: 'user' } };

  test('I8 happens once, gives username and address back, and nothing follows it', () => {
    const erase = (state: user.UserState) => user.erase(state, null);
    const state = spec.given(registered).when(erase).thenEvents(erased);
    expect(user.keys(state)).toEqual([]);
    expect(JSON.stringify(state)).not.toMatch(/ada/i);
    spec.given(registered, erased).when(erase).thenNothing();
    spec.given().when(erase).thenRefused('not-found');
    for (const late of [
      (now: user.UserState) => user.updateProfile(now, { bio: 'x' }),
      (now: user.UserState) => user.grantPermission(now, 'staff'),
      (now: user.UserState) => user.enable(now),
    ])
      spec.given(registered, erased).when(late).thenRefused('not-found');
    spec.given(registered, erased, granted).when(erase).thenNothing();
  });

  test('I8 staff do not erase themselves as staff', () => {
    spec
      .given(registered)
      .when((state) => user.erase(state, 'user'))
      .thenRefused('own-access');
  });
});
