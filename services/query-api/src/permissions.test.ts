import type { DomainEvent } from '@annals/contracts/kit/event';
import { Problem, type ProblemCode } from '@annals/contracts/problems';
import type { BoundRoute, Caller } from '@annals/platform/http/types';
import { expect, test, vi } from 'vitest';
import { createPermissionsOf, refuseLate } from './permissions.ts';

const caller = (...permissions: 'staff'[]): Caller => ({
  ...{ kind: 'user', userId: 'ada', sessionId: 's', address: '' },
  permissions: new Set(permissions),
});

/** A route for staff alone; others are told `code`. */
function staffRoute(code: ProblemCode) {
  const route = {
    async handler({ caller }: { caller: Caller }) {
      if (caller.kind === 'user' && caller.permissions.has('staff')) return { status: 200 };
      throw new Problem(code, 'No.');
    },
  } as unknown as BoundRoute;
  const permissionsOf = vi.fn(async () => new Set<'staff'>());
  const late = refuseLate(route, permissionsOf);
  const call = (by: Caller) => late.handler({ caller: by } as Parameters<BoundRoute['handler']>[0]);
  return { call, permissionsOf };
}

test.each(['forbidden', 'not-found'] as const)(
  'I6 %s is answered only after the caller’s stream was read',
  async (code) => {
    const { call, permissionsOf } = staffRoute(code);
    await expect(call(caller())).rejects.toMatchObject({ code });
    expect(permissionsOf).toHaveBeenCalledWith('ada');
    permissionsOf.mockResolvedValue(new Set(['staff']));
    expect(await call(caller())).toEqual({ status: 200 });
  },
);

test('other answers and other callers cost no reading', async () => {
  const { call, permissionsOf } = staffRoute('forbidden');
  await call(caller('staff'));
  await expect(call({ kind: 'anonymous', address: '' })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(staffRoute('unknown-parameter').call(caller())).rejects.toThrow('No.');
  expect(permissionsOf).not.toHaveBeenCalled();
});

test('I6 permissions are read from the user’s stream, and none of what is personal in it', async () => {
  const read = vi.fn(async () => [
    { type: 'PermissionGranted', data: { userId: 'ada', permission: 'staff' } } as unknown as DomainEvent,
  ]);
  expect([...(await createPermissionsOf({ read })('ada'))]).toEqual(['staff']);
  expect(read).toHaveBeenCalledWith('user-ada', { types: expect.any(Set) });
});
