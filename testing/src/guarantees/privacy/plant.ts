/** Plants markers wherever a client can put personal data: in what succeeds, in what is refused, and in what breaks. */
import { randomBytes } from 'node:crypto';
import {
  changePassword,
  requestEmailChange,
  requestPasswordReset,
} from '@annals/contracts/identity/account.routes';
import { requestExport } from '@annals/contracts/identity/privacy.routes';
import { createSession } from '@annals/contracts/identity/session.routes';
import { getMe, getUser, listUsers, registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import { expect } from 'vitest';
import { z } from 'zod';
import { type Answer, Api, after } from '../../e2e/client.ts';
import { PASSWORD } from '../../e2e/people.ts';
import type { TestStack } from '../../stack.ts';
import { type Markers, personalFields } from './markers.ts';

/** Someone whose every personal field is a marker. */
export interface Marked {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly api: Api;
}

/** What a body may hold of persons: the personal fields of events, and what they log in with. */
const telling = new Set([...personalFields, 'login', 'password']);

/** The fields of a route's body that {@link telling} names. */
export function personalFieldsOf(route: Route): string[] {
  return route.body instanceof z.ZodObject
    ? Object.keys(route.body.shape).filter((field) => telling.has(field))
    : [];
}

/** A body for the route with a marker in each personal field. */
function markedBody(markers: Markers, route: Route, place: string): Record<string, string> {
  return Object.fromEntries(personalFieldsOf(route).map((field) => [field, markers.plant(field, place)]));
}

/** Registers, logs in, updates the profile, and reads it in every way. */
export async function plantPerson(stack: TestStack, markers: Markers, place: string): Promise<Marked> {
  const anonymous = new Api(stack.url);
  const person = markedBody(markers, registerUser, place);
  const { username = '', email = '', password = '' } = person;
  const registered = await anonymous.ok(registerUser, {
    body: person,
    headers: { 'idempotency-key': markers.bare(`key of ${place}`) },
  });
  for (const login of [username, email]) await anonymous.ok(createSession, { body: { login, password } });
  const session = await anonymous.ok(createSession, { body: { login: username, password } });
  const api = anonymous.as(session.body.accessToken);
  const newPassword = markers.plant('password', place);
  await api.ok(changePassword, { body: { currentPassword: password, newPassword } });
  await api.ok(requestEmailChange, {
    body: { email: markers.plant('email', place), password: newPassword },
  });
  await anonymous.ok(requestPasswordReset, { body: { email } });
  await anonymous.ok(requestPasswordReset, { body: { email: markers.plant('email', 'of nobody') } });
  await api.ok(requestExport);
  const updated = await api.ok(updateMe, { body: markedBody(markers, updateMe, place) });
  await api.ok(getMe, after(updated));
  await api.ok(getUser, { params: { idOrUsername: username } });
  await api.ok(listUsers, { query: { username } });
  return { id: registered.body.id, username, email, password: newPassword, api };
}

/** What a person's data meets on a bad day: conflicts, wrong passwords, broken steps. */
export async function plantFailures(stack: TestStack, markers: Markers, known: Marked): Promise<void> {
  const anonymous = new Api(stack.url);
  const taken = {
    ...markedBody(markers, registerUser, 'conflict'),
    username: known.username,
    email: known.email,
  };
  expect((await anonymous.call(registerUser, { body: taken })).status).toBe(409);
  const operators = await fetch(`${stack.opsUrl('command-api')}/admin/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.operatorToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ username: known.username, email: known.email, password: PASSWORD }),
  });
  expect(operators.status).toBe(409);
  const wrong = { login: known.email, password: markers.plant('password', 'wrong') };
  expect((await anonymous.call(createSession, { body: wrong })).status).toBe(401);
  const nobody = { login: markers.plant('email', 'unknown login'), password: PASSWORD };
  expect((await anonymous.call(createSession, { body: nobody })).status).toBe(401);

  for (const point of ['begun', 'reserved'] as const) {
    await breakAt(stack, point, 'registerUser', () =>
      anonymous.send(registerUser, {
        body: markedBody(markers, registerUser, `broken at ${point}`),
        headers: { 'idempotency-key': markers.bare(`key of what broke at ${point}`) },
      }),
    );
  }
  await breakAt(stack, 'appended', 'updateMe', () =>
    known.api.send(updateMe, { body: markedBody(markers, updateMe, 'broken at appended') }),
  );
}

async function breakAt(
  stack: TestStack,
  point: 'begun' | 'reserved' | 'appended',
  match: string,
  call: () => Promise<Answer>,
): Promise<void> {
  const fault = stack.faults.arm({ service: 'command-api', point, match, action: 'throw' });
  expect((await call()).status).toBe(500);
  await fault.fired();
}

/**
 * Sends every route what it does not take, with markers in path, query, headers and body; with a token and without.
 * Nothing of it succeeds.
 */
export async function plantNonsense(
  baseUrl: string,
  markers: Markers,
  routes: readonly Route[],
  token: string | undefined,
): Promise<void> {
  for (const route of routes) {
    const place = (what: string) => `${what} of nonsense for ${route.name}`;
    const path = route.path.replace(/\{\w+\}/g, () => markers.bare(place('path')));
    const query = new URLSearchParams({ [markers.bare(place('parameter'))]: markers.bare(place('query')) });
    for (const field of telling) query.set(field, markers.plant(field, place('query')));
    const body = Object.fromEntries(
      [...telling].map((field) => [field, [markers.plant(field, place('body'))]]),
    );
    await fetch(`${baseUrl}${path}?${query}`, {
      method: route.method,
      headers: {
        ...nonsenseHeaders(markers, place('headers')),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(route.method === 'GET' ? {} : { 'content-type': 'application/json' }),
      },
      ...(route.method === 'GET' ? {} : { body: JSON.stringify(body) }),
    }).then(async (response) => {
      await response.arrayBuffer();
      expect(response.status, `${route.method} ${path}`).toBeLessThan(500);
    });
  }
}

const HEADERS = [
  'authorization',
  'cookie',
  'referer',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
];
const MORE_HEADERS = ['annals-min-position', 'x-request-id', 'tracestate', 'baggage', 'x-forwarded-host'];

function nonsenseHeaders(markers: Markers, place: string): Record<string, string> {
  const headers = [...HEADERS, ...MORE_HEADERS].map((name) => [name, markers.bare(`${name}, ${place}`)]);
  return Object.fromEntries(headers);
}

/** A request with a trace of its own; the trace's id. */
export async function traced(baseUrl: string, path: string, init: RequestInit = {}): Promise<string> {
  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
  await fetch(`${baseUrl}${path}`, { ...init, headers: { ...init.headers, traceparent } });
  return traceId;
}
