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

  test('I6 can be revoked, and users be disabled and enabled', () => {
    const revoked: UserEvent = { type: 'PermissionRevoked', data: { userId: 'user', permission: 'staff' } };
    expect(spec.given(registered, granted).state).toMatchObject({ permissions: ['staff'] });
    expect(spec.given(registered, granted, revoked).state).toMatchObject({ permissions: [] });
    const disabled: UserEvent = { type: 'UserDisabled', data: { userId: 'user' } };
    const enabled: UserEvent = { type: 'UserEnabled', data: { userId: 'user' } };
    expect(spec.given(registered, disabled).state).toMatchObject({ isDisabled: true });
    expect(spec.given(registered, disabled, enabled).state).toMatchObject({ isDisabled: false });
  });
});
