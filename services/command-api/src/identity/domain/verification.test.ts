import type { VerificationEvent } from '@annals/contracts/identity/verification.events';
import { deciderSpec } from '@annals/testing/decider-spec';
import { expect, test } from 'vitest';
import * as verification from './verification.ts';

const spec = deciderSpec(verification);
const now = '2026-01-01T00:00:00.000Z';
const reset: VerificationEvent = {
  type: 'PasswordResetRequested',
  data: { userId: 'u', requestId: 'r', passwordId: 'p', proof: 'q', expiresAt: '2026-01-01T01:00:00.000Z' },
};
const change: VerificationEvent = {
  type: 'EmailChangeRequested',
  data: {
    userId: 'u',
    requestId: 'r',
    email: 'a@b.org',
    passwordId: 'p',
    expiresAt: '2026-01-02T00:00:00.000Z',
  },
};
const five = <Event>(event: Event): Event[] => Array.from({ length: verification.MAX_OPEN }, () => event);

test('I5 a reset is for the password that counts, and for an hour', () => {
  spec
    .given()
    .when((state) =>
      verification.requestReset(state, { userId: 'u', requestId: 'r', passwordId: 'p', proof: 'q', now }),
    )
    .thenEvents(reset);
});

test('I5 whoever asks for resets again and again causes a few mails an hour, and keeps nobody from other requests', () => {
  const ask = (at: string) => (state: verification.VerificationState) =>
    verification.requestReset(state, { userId: 'u', requestId: 'r', passwordId: 'p', proof: 'q', now: at });
  spec
    .given(...five(reset))
    .when(ask(now))
    .thenNothing();
  expect(ask('2026-01-01T01:00:00.000Z')(spec.given(...five(reset)).state)).toHaveLength(1);
  const request = { userId: 'u', requestId: 'r', email: 'a@b.org', passwordId: 'p', now };
  spec
    .given(...five(reset))
    .when((state) => verification.requestEmail(state, request))
    .thenEvents(change);
});

test('I5 beyond a few requests for an address one has to wait; the newest counts', () => {
  const request = { userId: 'u', requestId: 'r', email: 'a@b.org', passwordId: 'p', now };
  spec
    .given(...five(change))
    .when((state) => verification.requestEmail(state, request))
    .thenRefused('too-many-requests');
  const second: VerificationEvent = {
    ...change,
    data: { ...change.data, requestId: 's', email: 'b@b.org' },
  } as VerificationEvent;
  expect(spec.given(change, second).state.email).toMatchObject({ requestId: 's', email: 'b@b.org' });
});
