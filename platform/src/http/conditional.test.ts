import { expect, it } from 'vitest';
import { representation } from './conditional.ts';
import { readConventionHeaders } from './headers.ts';

const body = { id: 'a', title: 'b' };

it('gives an ETag of revision and content', () => {
  const first = representation({ ifNoneMatch: [] }, { revision: 3, body, position: 'p' });
  expect(first).toMatchObject({ status: 200, body: JSON.stringify(body) });
  expect(first.headers).toMatchObject({
    etag: expect.stringMatching(/^"3-[\w-]{22}"$/),
    'annals-position': 'p',
    'cache-control': 'private, no-cache',
    vary: 'Authorization',
  });
  const tags = [
    { revision: 3, body: JSON.stringify(body) },
    { revision: 4, body },
    { revision: 3, body: { ...body, likeCount: 1 } },
  ].map((options) => representation({ ifNoneMatch: [] }, options).headers?.etag);
  expect(tags[0]).toBe(first.headers?.etag);
  expect(new Set(tags).size).toBe(3);
});

it('answers 304 without a body where the client has it', () => {
  const etag = representation({ ifNoneMatch: [] }, { revision: 3, body }).headers?.etag ?? '';
  for (const ifNoneMatch of [[etag], ['"x"', etag], ['*']]) {
    const answer = representation({ ifNoneMatch }, { revision: 3, body });
    expect(answer).toEqual({ status: 304, headers: expect.objectContaining({ etag }) });
  }
  expect(representation({ ifNoneMatch: ['"3-x"'] }, { revision: 3, body }).status).toBe(200);
});

it('gives an ETag that If-Match takes', () => {
  const etag = representation({ ifNoneMatch: [] }, { revision: 12, body }).headers?.etag ?? '';
  expect(readConventionHeaders('command', { 'if-match': etag }, []).ifMatch).toBe(12);
});

it('lets shared caches keep what is the same for everyone', () => {
  const answer = representation({ ifNoneMatch: [] }, { revision: 3, body, isPersonal: false });
  expect(answer.headers?.['cache-control']).toBe('no-cache');
  expect(answer.headers).not.toHaveProperty('vary');
});
