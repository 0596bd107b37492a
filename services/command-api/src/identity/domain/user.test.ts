import type { UserEvent } from '@annals/contracts/identity/user.events';
import { ERASED } from '@annals/contracts/kit/personal';
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
