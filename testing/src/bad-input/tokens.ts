/** Requests whose token is missing, forged or stale. */
import type { Route } from '@annals/contracts/kit/route';
import type { ProblemCode } from '@annals/contracts/problems';
import type { BadRequest } from './bad-request.ts';
import type { BaseRequest, Reach } from './sample.ts';

export function badTokens(route: Route, base: BaseRequest, { token, expiredToken }: Reach): BadRequest[] {
  const refused = (
    name: string,
    authorization: string | undefined,
    code: ProblemCode = 'unauthenticated',
  ): BadRequest => ({
    method: base.method,
    path: base.path,
    headers: authorization === undefined ? {} : { authorization },
    name,
    expected: { status: 401, code },
  });
  return [
    ...Object.entries(spoiled(token)).map(([name, value]) => refused(name, value)),
    ...(route.access === 'anyone' ? [] : [refused('no token', undefined)]),
    ...(expiredToken === undefined
      ? []
      : [refused('expired token', `Bearer ${expiredToken}`, 'token-expired')]),
  ];
}

/** `Authorization` headers that look like one with `token` but must not pass. */
function spoiled(token: string): Record<string, string> {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const none = { ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as object), alg: 'none' };
  const otherSignature = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
  return {
    'token without signature': `Bearer ${header}.${payload}.`,
    'token with another signature': `Bearer ${header}.${payload}.${otherSignature}`,
    'token for another user': `Bearer ${header}.${encode({ ...claims, sub: '0199b9c0-0000-7000-8000-0000000000ff' })}.${signature}`,
    'token that never ends': `Bearer ${header}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
    'token with alg none': `Bearer ${encode(none)}.${payload}.`,
    'token with alg none and a signature': `Bearer ${encode(none)}.${payload}.${signature}`,
    'truncated token': `Bearer ${token.slice(0, -10)}`,
    'garbage for a token': 'Bearer garbage',
    'basic authentication': 'Basic dXNlcjpwYXNzd29yZA==',
    'empty authorization': 'Bearer ',
  };
}
