import { expect, it } from 'vitest';
import type { ConfirmForbidden } from './access-rule.ts';
import { SAMPLE_ID, sampleServer } from './sample.fixture.ts';

async function status(
  url: string,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH',
  authorization?: string,
  confirmForbidden?: ConfirmForbidden,
) {
  const { server, seen } = await sampleServer(confirmForbidden ? { confirmForbidden } : {});
  const response = await server.inject({
    method,
    url,
    headers: authorization ? { authorization } : {},
    ...(method === 'PATCH' ? { payload: {} } : {}),
  });
  return { status: response.statusCode, headers: response.headers, code: response.json().code, seen };
}

const publish = `/v1/notes/${SAMPLE_ID}/publish`;

it('lets anyone use a route for anyone, but refuses a token that is not valid', async () => {
  expect(await status('/v1/notes', 'GET')).toMatchObject({ status: 200 });
  expect(await status('/v1/notes', 'GET', 'Bearer forged')).toMatchObject({
    status: 401,
    code: 'unauthenticated',
  });
});

it('asks anonymous callers for a token on every other route, before looking at the request', async () => {
  for (const [url, method] of [
    ['/v1/notes?bogus=1', 'POST'],
    [publish, 'POST'],
    [`/v1/notes/${SAMPLE_ID}`, 'PATCH'],
    ['/v1/notes/not-a-uuid/like', 'PUT'],
  ] as const) {
    const answer = await status(url, method);
    expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  }
});

it('refuses callers without the permission, and lets holders, staff and services pass', async () => {
  expect(await status(publish, 'POST', 'Bearer ada')).toMatchObject({
    status: 403,
    code: 'forbidden',
    seen: [],
  });
  for (const caller of ['publisher', 'staff', 'worker']) {
    expect(await status(publish, 'POST', `Bearer ${caller}`)).toMatchObject({ status: 200 });
  }
});

it('leaves the owner’s routes to the handler', async () => {
  expect(await status(`/v1/notes/${SAMPLE_ID}`, 'PATCH', 'Bearer ada')).toMatchObject({ status: 200 });
});

it('gives a 403 only once it is confirmed; a permission just granted counts', async () => {
  const asked: unknown[] = [];
  const confirm =
    (answer: boolean): ConfirmForbidden =>
    async (caller, permission) => {
      asked.push([caller.kind === 'user' && caller.userId, permission]);
      return answer;
    };
  expect(await status(publish, 'POST', 'Bearer ada', confirm(true))).toMatchObject({ status: 403 });
  const granted = await status(publish, 'POST', 'Bearer ada', confirm(false));
  expect(granted).toMatchObject({
    status: 200,
    seen: [{ caller: { permissions: new Set(['can_publish']) } }],
  });
  expect(asked).toEqual([
    ['ada', 'can_publish'],
    ['ada', 'can_publish'],
  ]);
  await status(publish, 'POST', 'Bearer publisher', confirm(true));
  expect(asked).toHaveLength(2);
});
